#include "kernels/families.h"
#include "program/step_builder.h"
#include "statistics/observations.h"

namespace calibr8 {

using onednn::Layout;

namespace {

void buildObserve(StepBuilder& builder) {
  const Value& x = builder.source(0);
  builder.requireFloat(x);
  int64_t observer = builder.params().integer("observer");
  builder.require(observer >= 0 && observer <= int64_t{1} << 31, "observer ", observer, " is out of range.");
  if (x.elements == 0) return;
  // The order of elements does not matter, holes and padded channels do.
  Operand from =
      builder.layout(0).isDense() ? builder.read(0) : builder.read(0, Layout::rowMajor(x.dims, x.dtype));
  size_t count = static_cast<size_t>(x.elements);
  builder.call("observe", {from}, [observer, count](void* const* pointers, RunContext& context) {
    context.observations->observe(observer, static_cast<const float*>(pointers[0]), count);
  });
}

}  // namespace

void addObserve(Registry& registry) {
  Kernel kernel;
  kernel.name = "observe";
  kernel.destinations = 0;
  kernel.emptySources = true;
  kernel.build = buildObserve;
  registry.add(kernel);
}

}  // namespace calibr8
