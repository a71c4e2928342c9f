#include <algorithm>

#include "kernels/families.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

/** Row-major but for the axis, which is innermost. */
Layout axisInnermost(const Value& value, size_t axis) {
  Dims dims = value.dims;
  std::rotate(dims.begin() + static_cast<std::ptrdiff_t>(axis),
              dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1, dims.end());
  Dims strides = onednn::rowMajorStrides(dims);
  std::rotate(strides.begin() + static_cast<std::ptrdiff_t>(axis), strides.end() - 1, strides.end());
  return Layout::strided(value.dims, value.dtype, strides);
}

void buildSoftmax(StepBuilder& builder) {
  const Value& x = builder.source(0);
  builder.requireFloat(x);
  builder.requireFloat(builder.destination());
  builder.requireSameDims(x, builder.destination());
  builder.require(!x.dims.empty(), "a scalar has no axis.");
  int axis = static_cast<int>(builder.axis(x));
  bool log = builder.params().integer("log", 0) != 0;
  // oneDNN has optimized code where the axis runs on in memory.
  std::optional<onednn::Description> description;
  Layout layout;
  for (const Layout& candidate : {builder.layout(0), axisInnermost(x, static_cast<size_t>(axis))}) {
    auto next = onednn::makeSoftmax(builder.device(), candidate, axis, log);
    if (next && (!description || next->quality() < description->quality())) {
      description = next;
      layout = candidate;
    }
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
