#include "affinity.h"

#include <sched.h>

#include <memory>

namespace calibr8 {

void pinThread(const std::vector<int>& processors) {
  // Sets of the usual type end at processor 1023.
  constexpr size_t kBits = kMaxProcessor + 1;
  struct Free {
    void operator()(cpu_set_t* set) const { CPU_FREE(set); }
  };
  std::unique_ptr<cpu_set_t, Free> set(CPU_ALLOC(kBits));
  if (!set || processors.empty()) return;
  size_t bytes = CPU_ALLOC_SIZE(kBits);
  CPU_ZERO_S(bytes, set.get());
  for (int processor : processors) CPU_SET_S(static_cast<size_t>(processor), bytes, set.get());
  sched_setaffinity(0, bytes, set.get());
}

}  // namespace calibr8
