#include "memory_binding.h"

#include "arguments.h"
#include "buffer.h"
#include "guarded.h"

namespace calibr8 {

Napi::Value populateBinding(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    HostBytes memory = toBytes(info[0], "memory");
    populate(memory.data, memory.bytes);
    return info.Env().Undefined();
  });
}

}  // namespace calibr8
