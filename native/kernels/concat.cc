#include "kernels/families.h"
#include "kernels/strided.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

size_t checkConcat(const StepView& step) {
  const Value& y = step.destination();
  size_t axis = step.axis(y);
  int64_t total = 0;
  for (size_t i = 0; i < step.sources(); ++i) {
    const Value& x = step.source(i);
    step.require(x.sameQuantization(y) && x.perTensor(), "'", x.name, "' and '", y.name,
                 "' differ in type or quantization.");
    bool fits = x.dims.size() == y.dims.size();
    for (size_t d = 0; fits && d < y.dims.size(); ++d) fits = d == axis || x.dims[d] == y.dims[d];
    step.require(fits, "'", x.name, "' ", describe(x.dims), " does not fit ", describe(y.dims), " on axis ",
                 axis, ".");
    total += x.dims[axis];
  }
  step.require(total == y.dims[axis], "the sources have ", total, " on axis ", axis, " but the destination ",
               y.dims[axis], ".");
  return axis;
}

/** Copies each source to its place; for types that oneDNN lacks, and plain layouts. */
void addCopies(StepBuilder& builder, size_t axis, const std::vector<size_t>& present, const Layout& layout) {
  std::vector<Operand> operands;
  for (size_t i : present) operands.push_back(builder.read(i, layout.withDims(builder.source(i).dims)));
  Operand target = builder.write(layout);
  std::vector<StridedCopy> copies;
  std::vector<size_t> offsets;
  int64_t position = 0;
  size_t size = sizeOf(layout.type());
  for (const Operand& operand : operands) {
    StridedCopy copy{operand.layout.dims(), operand.layout.strides(), layout.strides(), size};
    offsets.push_back(static_cast<size_t>(position * layout.strides()[axis]) * size);
    position += copy.dims[axis];
    copy.simplify();
    copies.push_back(std::move(copy));
  }
  operands.push_back(target);
  builder.call("concat", operands, [copies, offsets](void* const* pointers, RunContext&) {
    auto* destination = static_cast<uint8_t*>(pointers[copies.size()]);
    for (size_t i = 0; i < copies.size(); ++i) {
      copies[i].run(static_cast<const uint8_t*>(pointers[i]), destination + offsets[i]);
    }
  });
}

void buildConcat(StepBuilder& builder) {
  size_t axis = checkConcat(builder);
  const Value& y = builder.destination();
  std::vector<size_t> present;
  for (size_t i = 0; i < builder.sources(); ++i) {
    if (builder.source(i).elements > 0) present.push_back(i);
  }
  if (present.size() == 1) return builder.alias(present[0], builder.layout(present[0]));

  if (!isNative(y.dtype) || y.dtype == DataType::kBool) {
    return addCopies(builder, axis, present, Layout::rowMajor(y.dims, y.dtype));
  }
  Layout first = builder.layout(present[0]).withDims(y.dims);
  std::vector<Layout> candidates = {builder.preferred(), first, Layout::channelsLast(y.dims, y.dtype),
                                    Layout::rowMajor(y.dims, y.dtype)};
  for (const Layout& candidate : candidates) {
    if (!candidate.defined()) continue;
    Layout layout = candidate.withType(y.dtype);
    std::vector<Layout> layouts;
    for (size_t i : present) layouts.push_back(layout.withDims(builder.source(i).dims));
    auto description = onednn::makeConcat(builder.device(), static_cast<int>(axis), layouts, layout);
    bool last = &candidate == &candidates.back();
    if (!description || (description->quality() == onednn::Quality::kReference && !last && !layout.isPlain()))
      continue;
    if (layout.isPlain() && description->quality() == onednn::Quality::kReference) {
      return addCopies(builder, axis, present, layout);
    }
    std::vector<std::pair<int, Operand>> arguments;
    for (size_t k = 0; k < present.size(); ++k) {
      arguments.emplace_back(onednn::kMultipleSource + static_cast<int>(k),
                             builder.read(present[k], layouts[k]));
    }
    arguments.emplace_back(onednn::kDestination, builder.write(layout));
    return builder.call(*description, arguments);
  }
  builder.fail("oneDNN has no concat for these shapes.");
}

}  // namespace

void addConcat(Registry& registry) {
  Kernel kernel;
  kernel.name = "concat";
  kernel.emptySources = true;
  kernel.keepsLayout = true;
  kernel.build = buildConcat;
  registry.add(kernel);
}

}  // namespace calibr8
