#include "kernels/axis_walk.h"
#include "kernels/families.h"
#include "kernels/simd.h"

namespace calibr8 {

using onednn::Layout;

namespace {

CALIBR8_CLONES void addScaled(float* into, const float* from, float weight, int64_t count) {
  for (int64_t i = 0; i < count; ++i) into[i] += weight * from[i];
}

/** Each position along one axis is a weighted sum of a few positions of the source. */
struct Interpolation {
  AxisWalk walk;
  int64_t positions;
  int64_t taps;
  double outside;

  void run(const float* source, const int32_t* indices, const float* weights, float* destination) const {
    size_t grain = static_cast<size_t>(std::max<int64_t>(1, 16384 / std::max<int64_t>(1, walk.inner * taps)));
    parallelFor(static_cast<size_t>(walk.outer * positions), grain, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        int64_t outer = static_cast<int64_t>(i) / positions;
        int64_t position = static_cast<int64_t>(i) % positions;
        const float* lines = source + outer * walk.size * walk.inner;
        float* into = destination + static_cast<int64_t>(i) * walk.inner;
        const int32_t* index = indices + position * taps;
        const float* weight = weights + position * taps;
        bool inside = index[0] >= 0;
        std::fill(into, into + walk.inner, inside ? 0.0f : static_cast<float>(outside));
        for (int64_t k = 0; inside && k < taps; ++k) {
          if (weight[k] == 0) continue;
          if (walk.inner == 1) {
            *into += weight[k] * lines[index[k]];
          } else {
            addScaled(into, lines + index[k] * walk.inner, weight[k], walk.inner);
          }
        }
      }
    });
  }
};

void buildInterpolation(StepBuilder& builder) {
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  builder.requireFloat(x);
  builder.requireFloat(y);
  builder.require(!x.dims.empty(), "a scalar has no axis.");
  size_t axis = builder.axis(x);
  Dims expected = x.dims;
  builder.requireRank(y, x.dims.size());
  expected[axis] = y.dims[axis];
  builder.require(y.dims == expected, describe(x.dims), " does not become ", describe(y.dims), ".");
  int64_t positions = y.dims[axis];
  int64_t taps = builder.params().integer("taps");
  builder.require(taps >= 1 && taps <= INT32_MAX, "taps ", taps, " is out of range.");
  size_t count = static_cast<size_t>(positions * taps);
  Dims given = builder.params().integers("indices", count, -1, x.dims[axis] - 1);
  for (size_t i = 0; i < count; ++i) {
    bool outside = given[i - i % static_cast<size_t>(taps)] < 0;
    builder.require(outside || given[i] >= 0, "index ", i, " is outside.");
  }
  std::vector<int32_t> indices(given.begin(), given.end());
  std::vector<float> weights = builder.params().floats("weights", count);
  Interpolation interpolation{AxisWalk(x.dims, axis), positions, taps, builder.params().number("outside", 0)};
  Operand from = builder.read(0, Layout::rowMajor(x.dims, x.dtype));
  Operand to = builder.write(Layout::rowMajor(y.dims, y.dtype));
  builder.call("interpolation", {from, to},
               [interpolation, indices, weights](void* const* pointers, RunContext&) {
                 interpolation.run(static_cast<const float*>(pointers[0]), indices.data(), weights.data(),
                                   static_cast<float*>(pointers[1]));
               });
}

}  // namespace

void addInterpolation(Registry& registry) {
  Kernel kernel;
  kernel.name = "interpolation";
  kernel.build = buildInterpolation;
  registry.add(kernel);
}

}  // namespace calibr8
