#include "kernels/families.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

void buildSoftmax(StepBuilder& builder) {
  const Value& x = builder.source(0);
  builder.requireFloat(x);
  builder.requireFloat(builder.destination());
  builder.requireSameDims(x, builder.destination());
  builder.require(!x.dims.empty(), "a scalar has no axis.");
  int axis = static_cast<int>(builder.axis(x));
  bool log = builder.params().integer("log", 0) != 0;
  Layout layout = builder.layout(0);
  auto description = onednn::makeSoftmax(builder.device(), layout, axis, log);
  if (!description || description->quality() == onednn::Quality::kReference) {
    layout = Layout::rowMajor(x.dims, x.dtype);
    description = onednn::makeSoftmax(builder.device(), layout, axis, log);
  }
  builder.require(description.has_value(), "oneDNN has no softmax for this shape.");
  Operand from = builder.read(0, layout);
  builder.call(*description, {{onednn::kSource, from}, {onednn::kDestination, builder.write(layout)}});
}

}  // namespace

void addSoftmax(Registry& registry) {
  Kernel kernel;
  kernel.name = "softmax";
  kernel.build = buildSoftmax;
  registry.add(kernel);
}

}  // namespace calibr8
