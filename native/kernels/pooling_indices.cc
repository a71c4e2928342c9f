#include "kernels/element_types.h"
#include "kernels/families.h"
#include "kernels/parallel.h"
#include "kernels/strided.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

/** Where each maximum of a pooling comes from: its place among the source's elements. */
struct PoolingIndices {
  Dims in, out, kernel, strides, dilations, pads;
  Dims inStrides;

  /** The place within one image plane of the (first) greatest element of the window at `position`. */
  template <typename T>
  int64_t find(const T* plane, const Dims& position, Odometer& taps) const {
    int64_t found = -1;
    for (int64_t left = countOf(kernel); left > 0; --left, taps.next()) {
      int64_t place = 0;
      bool inside = true;
      for (size_t i = 0; i < in.size(); ++i) {
        int64_t at = position[i] * strides[i] - pads[i] + taps.index()[i] * dilations[i];
        inside = inside && at >= 0 && at < in[i];
        place += at * inStrides[i];
      }
      if (inside && (found < 0 || plane[place] > plane[found])) found = place;
    }
    return found;
  }
};

void buildPoolingIndices(StepBuilder& builder) {
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  size_t rank = x.dims.size();
  builder.require(rank >= 3 && y.dims.size() == rank && x.dims[0] == y.dims[0] && x.dims[1] == y.dims[1] &&
                      y.dtype == DataType::kInt64,
                  describe(x.dims), " does not become ", describe(y.dims), ".");
  constexpr int64_t kMax = INT32_MAX;
  const Params& params = builder.params();
  size_t spatial = rank - 2;
  PoolingIndices pooling;
  pooling.in = Dims(x.dims.begin() + 2, x.dims.end());
  pooling.out = Dims(y.dims.begin() + 2, y.dims.end());
  pooling.kernel = params.integers("kernel", spatial, 1, kMax);
  pooling.strides = params.integers("strides", spatial, 1, kMax);
  pooling.dilations = params.integers("dilations", spatial, 1, kMax);
  pooling.pads = params.integers("padsBegin", spatial, 0, kMax);
  pooling.inStrides = onednn::rowMajorStrides(pooling.in);
  int64_t window = 1;
  for (size_t i = 0; i < spatial; ++i) {
    builder.require(window <= (int64_t{1} << 22) / pooling.kernel[i], "the window is too large.");
    window *= pooling.kernel[i];
    // Every window has an element of the source.
    int64_t last = (y.dims[i + 2] - 1) * pooling.strides[i] - pooling.pads[i];
    int64_t reach = (pooling.kernel[i] - 1) * pooling.dilations[i];
    builder.require(last < pooling.in[i] && reach < kMax && reach >= pooling.pads[i], "spatial axis ", i,
                    ": the windows do not fit ", describe(x.dims), ".");
  }
  int64_t planes = x.dims[0] * x.dims[1];
  DataType type = x.dtype;
  Operand from = builder.read(0, Layout::rowMajor(x.dims, x.dtype));
  Operand to = builder.write(Layout::rowMajor(y.dims, y.dtype));
  builder.call("pooling_indices", {from, to}, [=](void* const* pointers, RunContext&) {
    int64_t inSize = countOf(pooling.in);
    int64_t outSize = countOf(pooling.out);
    withElementType(type, [&](auto element) {
      using T = decltype(element);
      parallelFor(static_cast<size_t>(planes), 1, [&](size_t begin, size_t end) {
        for (int64_t p = static_cast<int64_t>(begin); p < static_cast<int64_t>(end); ++p) {
          const T* plane = static_cast<const T*>(pointers[0]) + p * inSize;
          int64_t* result = static_cast<int64_t*>(pointers[1]) + p * outSize;
          Odometer position(pooling.out);
          Odometer taps(pooling.kernel);
          for (int64_t i = 0; i < outSize; ++i, position.next()) {
            result[i] = p * inSize + pooling.find(plane, position.index(), taps);
          }
        }
      });
    });
  });
}

}  // namespace

void addPoolingIndices(Registry& registry) {
  Kernel kernel;
  kernel.name = "pooling_indices";
  kernel.build = buildPoolingIndices;
  registry.add(kernel);
}

}  // namespace calibr8
