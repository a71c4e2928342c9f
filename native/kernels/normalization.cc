#include <cmath>

#include "kernels/families.h"
#include "kernels/parallel.h"
#include "kernels/simd.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

/** Sums through lanes of their own, which vectorize and keep long sums accurate. */
template <typename Op>
CALIBR8_INLINE double sumOf(const float* x, int64_t count, Op op) {
  constexpr int64_t kLanes = 16;
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += op(x[i + lane]);
  }
  for (int64_t lane = 0; i + lane < count; ++lane) lanes[lane] += op(x[i + lane]);
  double sum = 0;
  for (float lane : lanes) sum += static_cast<double>(lane);
  return sum;
}

/** (x - mean) / sqrt(variance + epsilon); of the root mean square alone, the mean counts as 0. */
CALIBR8_CLONES void normalizeRow(const float* x, float* y, int64_t count, bool centered, double epsilon) {
  double size = static_cast<double>(count);
  float mean = 0;
  if (centered) {
    mean = static_cast<float>(sumOf(x, count, [](float v) CALIBR8_INLINE_LAMBDA { return v; }) / size);
  }
  double squares = sumOf(x, count, [mean](float v) CALIBR8_INLINE_LAMBDA { return (v - mean) * (v - mean); });
  float factor = static_cast<float>(1 / std::sqrt(squares / size + epsilon));
  for (int64_t i = 0; i < count; ++i) y[i] = (x[i] - mean) * factor;
}

void buildNormalization(StepBuilder& builder) {
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  builder.requireFloat(x);
  builder.requireFloat(y);
  builder.requireSameDims(x, y);
  builder.require(!x.dims.empty(), "a scalar has no axis.");
  size_t axis = builder.axis(x);
  bool centered = builder.params().integer("centered") != 0;
  double epsilon = builder.params().number("epsilon");
  int64_t count = countOf(Dims(x.dims.begin() + static_cast<std::ptrdiff_t>(axis), x.dims.end()));
  size_t rows = static_cast<size_t>(x.elements / count);
  Operand from = builder.read(0, Layout::rowMajor(x.dims, x.dtype));
  Operand to = builder.write(Layout::rowMajor(y.dims, y.dtype));
  builder.call("normalization", {from, to}, [=](void* const* pointers, RunContext&) {
    size_t grain = static_cast<size_t>(std::max<int64_t>(1, 8192 / count));
    parallelFor(rows, grain, [&](size_t begin, size_t end) {
      for (size_t row = begin; row < end; ++row) {
        int64_t offset = static_cast<int64_t>(row) * count;
        normalizeRow(static_cast<const float*>(pointers[0]) + offset,
                     static_cast<float*>(pointers[1]) + offset, count, centered, epsilon);
      }
    });
  });
}

}  // namespace

void addNormalization(Registry& registry) {
  Kernel kernel;
  kernel.name = "normalization";
  kernel.build = buildNormalization;
  registry.add(kernel);
}

}  // namespace calibr8
