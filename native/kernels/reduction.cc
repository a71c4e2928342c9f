#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "kernels/families.h"
#include "kernels/parallel.h"
#include "kernels/simd.h"
#include "kernels/strided.h"
#include "kernels/typed_reduction.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

enum class Algorithm { kSum, kMean, kMax, kMin, kMul, kNormL1, kNormL2, kSumSquare };

float startOf(Algorithm algorithm) {
  if (algorithm == Algorithm::kMax) return -std::numeric_limits<float>::infinity();
  if (algorithm == Algorithm::kMin) return std::numeric_limits<float>::infinity();
  return algorithm == Algorithm::kMul ? 1.0f : 0.0f;
}

template <typename Op>
CALIBR8_INLINE void combineRow(float* into, const float* row, size_t count, Op op) {
  for (size_t i = 0; i < count; ++i) into[i] = op(into[i], row[i]);
}

/** into[i] = into[i] op row[i]. */
CALIBR8_CLONES void combine(Algorithm algorithm, float* into, const float* row, size_t count) {
  switch (algorithm) {
    case Algorithm::kSum:
    case Algorithm::kMean:
      return combineRow(into, row, count, [](float a, float b) CALIBR8_INLINE_LAMBDA { return a + b; });
    case Algorithm::kMax:
      return combineRow(into, row, count,
                        [](float a, float b) CALIBR8_INLINE_LAMBDA { return a > b ? a : b; });
    case Algorithm::kMin:
      return combineRow(into, row, count,
                        [](float a, float b) CALIBR8_INLINE_LAMBDA { return a < b ? a : b; });
    case Algorithm::kMul:
      return combineRow(into, row, count, [](float a, float b) CALIBR8_INLINE_LAMBDA { return a * b; });
    case Algorithm::kNormL1:
      return combineRow(into, row, count,
                        [](float a, float b) CALIBR8_INLINE_LAMBDA { return a + std::fabs(b); });
    case Algorithm::kNormL2:
    case Algorithm::kSumSquare:
      return combineRow(into, row, count, [](float a, float b) CALIBR8_INLINE_LAMBDA { return a + b * b; });
  }
}

float finishOne(Algorithm algorithm, float value, int64_t count) {
  if (algorithm == Algorithm::kMean) return value / static_cast<float>(count);
  return algorithm == Algorithm::kNormL2 ? std::sqrt(value) : value;
}

template <typename Op, typename Merge>
CALIBR8_INLINE float foldRow(const float* data, size_t count, float start, Op op, Merge merge) {
  constexpr size_t kLanes = 16;
  float lanes[kLanes];
  for (float& lane : lanes) lane = start;
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] = op(lanes[lane], data[i + lane]);
  }
  for (size_t lane = 0; i + lane < count; ++lane) lanes[lane] = op(lanes[lane], data[i + lane]);
  for (size_t half = kLanes / 2; half > 0; half /= 2) {
    for (size_t lane = 0; lane < half; ++lane) lanes[lane] = merge(lanes[lane], lanes[lane + half]);
  }
  return lanes[0];
}

/** A contiguous run folded into one value through a few lanes, which also keeps long sums accurate. */
CALIBR8_CLONES float fold(Algorithm algorithm, const float* data, size_t count) {
  auto add = [](float a, float b) CALIBR8_INLINE_LAMBDA { return a + b; };
  auto more = [](float a, float b) CALIBR8_INLINE_LAMBDA { return a > b ? a : b; };
  auto less = [](float a, float b) CALIBR8_INLINE_LAMBDA { return a < b ? a : b; };
  auto product = [](float a, float b) CALIBR8_INLINE_LAMBDA { return a * b; };
  float start = startOf(algorithm);
  switch (algorithm) {
    case Algorithm::kSum:
    case Algorithm::kMean:
      return foldRow(data, count, start, add, add);
    case Algorithm::kMax:
      return foldRow(data, count, start, more, more);
    case Algorithm::kMin:
      return foldRow(data, count, start, less, less);
    case Algorithm::kMul:
      return foldRow(data, count, start, product, product);
    case Algorithm::kNormL1:
      return foldRow(
          data, count, start, [](float a, float b) CALIBR8_INLINE_LAMBDA { return a + std::fabs(b); }, add);
    case Algorithm::kNormL2:
    case Algorithm::kSumSquare:
      return foldRow(
          data, count, start, [](float a, float b) CALIBR8_INLINE_LAMBDA { return a + b * b; }, add);
  }
  return start;
}

/** Row-major source; its axes are split into kept and reduced ones. */
struct Reduction {
  Algorithm algorithm;
  Dims kept, keptStrides;
  Dims reduced, reducedStrides;
  int64_t reducedCount;
  /** Elements that run on: of the kept axes (then `inner` results are made at once) or of the reduced ones.
   */
  int64_t inner;
  bool innerIsKept;

  void run(const float* source, float* destination) const;
};

void Reduction::run(const float* source, float* destination) const {
  size_t pieces = static_cast<size_t>(countOf(kept));
  size_t rows = static_cast<size_t>(countOf(reduced));
  size_t count = static_cast<size_t>(inner);
  size_t width = innerIsKept ? count : 1;
  size_t grain = std::max<size_t>(1, 16384 / std::max<size_t>(1, rows * count));
  parallelFor(pieces, grain, [&](size_t begin, size_t end) {
    Odometer place(kept);
    place.seek(static_cast<int64_t>(begin));
    for (size_t piece = begin; piece < end; ++piece, place.next()) {
      const float* base = source + place.offset(keptStrides);
      float* out = destination + piece * width;
      std::fill(out, out + width, startOf(algorithm));
      Odometer row(reduced);
      bool sums = algorithm >= Algorithm::kNormL1;
      Algorithm plain = sums ? Algorithm::kSum : algorithm;
      for (size_t r = 0; r < rows; ++r, row.next()) {
        const float* data = base + row.offset(reducedStrides);
        if (innerIsKept) {
          combine(algorithm, out, data, count);
        } else {
          float part = fold(algorithm, data, count);
          combine(plain, out, &part, 1);
        }
      }
      for (size_t i = 0; i < width; ++i) out[i] = finishOne(algorithm, out[i], reducedCount);
    }
  });
}

Reduction plan(const Dims& from, const Dims& to, Algorithm algorithm) {
  Reduction reduction{algorithm, {}, {}, {}, {}, 1, 1, true};
  Dims strides = onednn::rowMajorStrides(from);
  // Joins neighbors of the same kind.
  struct Axis {
    int64_t size, stride;
    bool reduced;
  };
  std::vector<Axis> axes;
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] == 1) continue;
    bool reduced = to[i] == 1;
    if (reduced) reduction.reducedCount *= from[i];
    if (!axes.empty() && axes.back().reduced == reduced) {
      axes.back().size *= from[i];
      axes.back().stride = strides[i];
    } else {
      axes.push_back({from[i], strides[i], reduced});
    }
  }
  if (!axes.empty()) {
    reduction.inner = axes.back().size;
    reduction.innerIsKept = !axes.back().reduced;
    axes.pop_back();
  }
  for (const Axis& axis : axes) {
    (axis.reduced ? reduction.reduced : reduction.kept).push_back(axis.size);
    (axis.reduced ? reduction.reducedStrides : reduction.keptStrides).push_back(axis.stride);
  }
  return reduction;
}

void buildReduction(StepBuilder& builder) {
  const std::map<std::string, Algorithm> algorithms = {
      {"sum", Algorithm::kSum},        {"mean", Algorithm::kMean},
      {"max", Algorithm::kMax},        {"min", Algorithm::kMin},
      {"mul", Algorithm::kMul},        {"norm_l1", Algorithm::kNormL1},
      {"norm_l2", Algorithm::kNormL2}, {"sum_square", Algorithm::kSumSquare}};
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  builder.requireRank(y, x.dims.size());
  for (size_t i = 0; i < x.dims.size(); ++i) {
    builder.require(y.dims[i] == x.dims[i] || y.dims[i] == 1, describe(x.dims), " does not reduce to ",
                    describe(y.dims), ".");
  }
  if (x.dtype != DataType::kFloat32) return buildTypedReduction(builder, builder.params().word("algorithm"));
  builder.requireFloat(y);
  auto found = algorithms.find(builder.params().word("algorithm"));
  builder.require(found != algorithms.end(), "there is no reduction '", builder.params().word("algorithm"),
                  "'.");
  Operand from = builder.read(0, Layout::rowMajor(x.dims, x.dtype));
  Operand to = builder.write(Layout::rowMajor(y.dims, y.dtype));
  Reduction reduction = plan(x.dims, y.dims, found->second);
  builder.call("reduction", {from, to}, [reduction](void* const* pointers, RunContext&) {
    reduction.run(static_cast<const float*>(pointers[0]), static_cast<float*>(pointers[1]));
  });
}

}  // namespace

void addReduction(Registry& registry) {
  Kernel kernel;
  kernel.name = "reduction";
  kernel.emptySources = true;
  kernel.build = buildReduction;
  registry.add(kernel);
}

}  // namespace calibr8
