#include <array>
#include <cmath>
#include <cstring>

#include "kernels/conversion.h"
#include "kernels/families.h"
#include "kernels/parallel.h"
#include "kernels/strided.h"
#include "program/convert.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

constexpr int64_t kMax = INT32_MAX;

int64_t offsetOf(const Dims& index, const Dims& strides) {
  int64_t sum = 0;
  for (size_t i = 0; i < index.size(); ++i) sum += index[i] * strides[i];
  return sum;
}

Layout plainOrRowMajor(const Layout& layout, const Value& value) {
  return layout.isPlain() ? layout : Layout::rowMajor(value.dims, value.dtype);
}

void checkSame(const StepView& step) {
  const Value& x = step.source(0);
  const Value& y = step.destination();
  step.require(x.dtype == y.dtype, "source and destination differ in type.");
  step.requireRank(y, x.dims.size());
}

void buildSlice(StepBuilder& builder) {
  checkSame(builder);
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  size_t rank = x.dims.size();
  if (rank == 0) return builder.alias(0, builder.layout(0));
  Dims starts = builder.params().integers("starts", rank, 0, kMax);
  Dims steps = builder.params().integers("steps", rank, 1, kMax);
  bool dense = true;
  for (size_t i = 0; i < rank; ++i) {
    builder.require(starts[i] + (y.dims[i] - 1) * steps[i] < x.dims[i], "axis ", i, ": ", y.dims[i],
                    " elements from ", starts[i], " by ", steps[i], " leave ", describe(x.dims), ".");
    dense = dense && (steps[i] == 1 || y.dims[i] == 1);
  }
  Layout current = builder.layout(0);
  if (!current.isPlain() && dense && isNative(x.dtype)) {
    Layout window = current.window(y.dims, starts);
    if (window.defined()) {
      Operand from = builder.read(0);
      from.layout = window;
      Operand to = builder.write(current.withDims(y.dims));
      auto reorder = onednn::makeReorder(builder.device(), {window, to.layout});
      if (reorder) return builder.call(*reorder, {{onednn::kSource, from}, {onednn::kDestination, to}});
    }
  }
  Layout plain = plainOrRowMajor(current, x);
  Operand from = builder.read(0, plain);
  Operand to = builder.write(plain.withDims(y.dims));
  Dims strides = plain.strides();
  size_t size = sizeOf(x.dtype);
  size_t offset = static_cast<size_t>(offsetOf(starts, strides)) * size;
  for (size_t i = 0; i < rank; ++i) strides[i] *= steps[i];
  StridedCopy copy{y.dims, strides, to.layout.strides(), size};
  copy.simplify();
  builder.call("slice", {from, to}, [copy, offset](void* const* pointers, RunContext&) {
    copy.run(static_cast<const uint8_t*>(pointers[0]) + offset, static_cast<uint8_t*>(pointers[1]));
  });
}

/** Fills `bytes` with copies of one element. */
void fillWith(uint8_t* destination, size_t bytes, const std::array<uint8_t, 8>& element, size_t size) {
  bool uniform = true;
  for (size_t i = 1; i < size; ++i) uniform = uniform && element[i] == element[0];
  if (uniform) {
    std::memset(destination, element[0], bytes);
    return;
  }
  for (size_t i = 0; i < bytes; i += size) std::memcpy(destination + i, element.data(), size);
}

void buildPad(StepBuilder& builder) {
  checkSame(builder);
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  builder.require(x.perTensor() && x.sameQuantization(y), "source and destination differ in quantization.");
  size_t rank = x.dims.size();
  Dims begin = builder.params().integers("padsBegin", rank, 0, kMax);
  Dims end = builder.params().integers("padsEnd", rank, 0, kMax);
  for (size_t i = 0; i < rank; ++i) {
    builder.require(begin[i] + x.dims[i] + end[i] == y.dims[i], "axis ", i, ": the padding does not give ",
                    describe(y.dims), ".");
  }
  if (rank == 0) return builder.alias(0, builder.layout(0));
  double value = builder.params().number("value", 0);
  if (x.quantized()) value = std::nearbyint(value / x.scale()) + x.zeroPoint();
  std::array<uint8_t, 8> element{};
  storeElement(element.data(), x.dtype, 0, value);

  Layout plain = plainOrRowMajor(builder.layout(0), x);
  Operand from = builder.read(0, plain);
  Operand to = builder.write(plain.withDims(y.dims));
  size_t size = sizeOf(x.dtype);
  size_t bytes = to.layout.bytes();
  size_t offset = static_cast<size_t>(offsetOf(begin, to.layout.strides())) * size;
  StridedCopy copy{x.dims, plain.strides(), to.layout.strides(), size};
  bool any = x.elements > 0;
  copy.simplify();
  builder.call("pad", {from, to}, [=](void* const* pointers, RunContext&) {
    auto* destination = static_cast<uint8_t*>(pointers[1]);
    parallelFor(bytes / size, 65536, [&](size_t first, size_t last) {
      fillWith(destination + first * size, (last - first) * size, element, size);
    });
    if (any) copy.run(static_cast<const uint8_t*>(pointers[0]), destination + offset);
  });
}

}  // namespace

void addMovement(Registry& registry) {
  Kernel slice;
  slice.name = "slice";
  slice.build = buildSlice;
  registry.add(slice);

  Kernel pad;
  pad.name = "pad";
  pad.emptySources = true;
  pad.keepsLayout = true;
  pad.build = buildPad;
  registry.add(pad);
}

}  // namespace calibr8
