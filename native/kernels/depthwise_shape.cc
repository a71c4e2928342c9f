#include "kernels/depthwise_shape.h"

#include <algorithm>

#include "kernels/parallel.h"

namespace calibr8 {
namespace {

/** Results of a piece of work, at least: enough to be worth a thread's while. */
constexpr int64_t kResults = 4096;

}  // namespace

int64_t DepthwiseShape::sourceOffset(const DepthwiseStrip& strip, int64_t i) const {
  int64_t row = strip.y * stride - pads[0] + i;
  if (row < 0 || row >= in[0]) return -1;
  return (strip.image * in[0] + row) * in[1] * channels + strip.firstChannel;
}

int64_t DepthwiseShape::destinationOffset(const DepthwiseStrip& strip) const {
  return (strip.image * out[0] + strip.y) * out[1] * channels + strip.firstChannel;
}

std::optional<DepthwiseShape> depthwiseShapeOf(const StepView& step, const ConvolutionGeometry& geometry) {
  const Value& x = step.source(0);
  const Value& weights = step.source(1);
  const Value& y = step.destination();
  bool fits = x.dims.size() == 4 && x.dims[1] > 1 && geometry.groups == x.dims[1] && y.dims[1] == x.dims[1] &&
              weights.dims[2] == 3 && weights.dims[3] == 3 && geometry.dilations == Dims{1, 1} &&
              geometry.strides[0] == geometry.strides[1] && geometry.strides[0] <= 2;
  if (!fits) return std::nullopt;
  DepthwiseShape shape{};
  shape.batch = x.dims[0];
  shape.channels = x.dims[1];
  shape.stride = geometry.strides[0];
  for (size_t i = 0; i < 2; ++i) {
    shape.in[i] = x.dims[i + 2];
    shape.out[i] = y.dims[i + 2];
    shape.pads[i] = geometry.padsBegin[i];
  }
  return shape;
}

void forStrips(const DepthwiseShape& shape, int64_t blockChannels,
               const std::function<void(const DepthwiseStrip&)>& body) {
  int64_t rows = shape.stride == 1 ? 2 : 1;
  int64_t strips = (shape.out[0] + rows - 1) / rows;
  int64_t blocks = (shape.channels + blockChannels - 1) / blockChannels;
  int64_t results = rows * shape.out[1] * std::min(shape.channels, blockChannels);
  auto grain = static_cast<size_t>(std::max<int64_t>(1, kResults / results));
  parallelFor(static_cast<size_t>(shape.batch * strips * blocks), grain, [&](size_t begin, size_t end) {
    for (auto i = static_cast<int64_t>(begin); i < static_cast<int64_t>(end); ++i) {
      DepthwiseStrip strip{};
      strip.image = i / blocks / strips;
      strip.y = i / blocks % strips * rows;
      strip.rows = std::min(rows, shape.out[0] - strip.y);
      strip.firstChannel = i % blocks * blockChannels;
      strip.channels = std::min(blockChannels, shape.channels - strip.firstChannel);
      body(strip);
    }
  });
}

}  // namespace calibr8
