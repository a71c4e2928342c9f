#ifndef CALIBR8_KERNELS_REGISTRY_H_
#define CALIBR8_KERNELS_REGISTRY_H_

#include <map>
#include <string>

#include "onednn/layout.h"
#include "plan/plan.h"

namespace calibr8 {

class StepBuilder;
class StepView;

/** What the compiler knows about a kernel. */
struct Kernel {
  const char* name = "";
  /** Sources that must be there; more may follow. */
  size_t leastSources = 1;
  size_t destinations = 1;
  bool postOps = false;
  /** Works although a source has no elements and the destination has some. */
  bool emptySources = false;
  /** Its destination has its (first) source's layout, so what its consumers like, its producer should write.
   */
  bool keepsLayout = false;
  /** The layout this kernel would like source i to have, given a free choice; may be undefined. */
  onednn::Layout (*wish)(const StepView& step, size_t source) = nullptr;
  /** Adds the step's operations. */
  void (*build)(StepBuilder& builder) = nullptr;
};

/** Kernels by name; refuses duplicates and misses. */
class Registry {
 public:
  void add(const Kernel& kernel);
  const Kernel& get(const Step& step) const;

 private:
  std::map<std::string, Kernel> kernels_;
};

/** A registry with every kernel family. */
Registry makeRegistry();

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_REGISTRY_H_
