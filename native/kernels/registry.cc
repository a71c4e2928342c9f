#include "kernels/registry.h"

#include "error.h"
#include "kernels/families.h"

namespace calibr8 {

void Registry::add(const Kernel& kernel) {
  if (!kernels_.emplace(kernel.name, kernel).second) {
    throw std::logic_error(text("Kernel '", kernel.name, "' is registered twice."));
  }
}

const Kernel& Registry::get(const Step& step) const {
  auto found = kernels_.find(step.kernel);
  if (found == kernels_.end()) failPlan(step.label(), ": there is no such kernel.");
  return found->second;
}

Registry makeRegistry() {
  Registry registry;
  addConvolution(registry);
  addInnerProduct(registry);
  addMatmul(registry);
  addPooling(registry);
  addEltwise(registry);
  addBinary(registry);
  addSoftmax(registry);
  addConcat(registry);
  addReorder(registry);
  addResampling(registry);
  addReshape(registry);
  addMovement(registry);
  addReduction(registry);
  addLrn(registry);
  addGather(registry);
  addGatherChannels(registry);
  addMap(registry);
  addView(registry);
  addIndexing(registry);
  addRanking(registry);
  addCumulation(registry);
  addInterpolation(registry);
  addNormalization(registry);
  addPoolingIndices(registry);
  addIntegerMatmul(registry);
  addObserve(registry);
  return registry;
}

}  // namespace calibr8
