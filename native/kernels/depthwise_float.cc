#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "kernels/clamp.h"
#include "kernels/depthwise.h"
#include "kernels/depthwise_fma.h"

namespace calibr8 {

using onednn::Layout;

namespace {

/** Channels of a piece of work, which one thread reads in a row. */
constexpr int64_t kStrip = 512;
/** Weights of a block of channels. */
constexpr int64_t kWeights = kDepthwiseTaps * kDepthwiseLanes;

int64_t blocksOf(int64_t channels) { return (channels + kDepthwiseLanes - 1) / kDepthwiseLanes; }

/** The whole convolution: addresses come with each run. */
struct Depthwise {
  DepthwiseShape shape;
  Clamp clamp;
  bool hasBias;
  /** A row outside of the image: zeros. */
  std::shared_ptr<const Buffer> outside;

  void run(void* const* pointers) const {
    forStrips(shape, kStrip, [&](const DepthwiseStrip& strip) {
      auto* source = static_cast<const float*>(pointers[0]);
      DepthwiseFloatRows rows{};
      rows.outside = reinterpret_cast<const float*>(outside->data());
      for (int64_t i = 0; i < 4; ++i) {
        int64_t offset = shape.sourceOffset(strip, i);
        rows.source[i] = offset < 0 ? rows.outside : source + offset;
      }
      rows.destination[0] = static_cast<float*>(pointers[2]) + shape.destinationOffset(strip);
      rows.destination[1] = rows.destination[0] + shape.out[1] * shape.channels;
      rows.rows = strip.rows;
      rows.pixel = shape.channels;
      rows.inWidth = shape.in[1];
      rows.outWidth = shape.out[1];
      rows.padLeft = shape.pads[1];
      rows.channels = strip.channels;
      rows.weights = static_cast<const float*>(pointers[1]) + strip.firstChannel / kDepthwiseLanes * kWeights;
      rows.bias = hasBias ? static_cast<const float*>(pointers[3]) + strip.firstChannel : rows.outside;
      rows.low = clamp.low;
      rows.high = clamp.high;
      runDepthwise(rows, shape.stride);
    });
  }
};

Operand readWeights(StepBuilder& builder, int64_t channels) {
  Layout packed = Layout::rowMajor({blocksOf(channels) * kWeights}, DataType::kFloat32);
  return builder.constant(1, packed, "depthwise", [&](const uint8_t* from, uint8_t* to) {
    auto* taps = reinterpret_cast<const float*>(from);
    auto* target = reinterpret_cast<float*>(to);
    std::fill(target, target + blocksOf(channels) * kWeights, 0.0f);
    for (int64_t c = 0; c < channels; ++c) {
      float* block = target + c / kDepthwiseLanes * kWeights;
      for (int64_t i = 0; i < static_cast<int64_t>(kDepthwiseTaps); ++i)
        block[i * kDepthwiseLanes + c % kDepthwiseLanes] = taps[c * static_cast<int64_t>(kDepthwiseTaps) + i];
    }
  });
}

Operand readBias(StepBuilder& builder, size_t source, int64_t channels) {
  int64_t count = blocksOf(channels) * kDepthwiseLanes;
  return builder.constant(source, Layout::rowMajor({count}, DataType::kFloat32), "depthwise",
                          [&](const uint8_t* from, uint8_t* to) {
                            auto* numbers = reinterpret_cast<const float*>(from);
                            auto* target = reinterpret_cast<float*>(to);
                            std::fill(std::copy(numbers, numbers + channels, target), target + count, 0.0f);
                          });
}

}  // namespace

bool buildFloatDepthwise(StepBuilder& builder, const DepthwiseShape& shape, const Product& product) {
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  auto clamp = clampOf(product.postOps);
  bool real = x.dtype == DataType::kFloat32 && y.dtype == DataType::kFloat32;
  // oneDNN's limit on instruction sets holds for us as well.
  bool allowed = hasDepthwiseFma() && onednn::libraryInfo().isa.rfind("avx512", 0) == 0;
  if (!real || !clamp || !allowed) return false;

  size_t bytes = static_cast<size_t>(shape.in[1] * shape.channels + kDepthwiseLanes) * sizeof(float);
  auto outside = std::make_shared<Buffer>(bytes);
  std::fill(outside->data(), outside->data() + bytes, uint8_t{0});
  Depthwise depthwise{shape, *clamp, product.bias >= 0, std::move(outside)};
  builder.setWork({product.multiplyAdds, false});
  std::vector<Operand> operands = {builder.read(0, Layout::channelsLast(x.dims, x.dtype)),
                                   readWeights(builder, shape.channels),
                                   builder.write(Layout::channelsLast(y.dims, y.dtype))};
  if (depthwise.hasBias)
    operands.push_back(readBias(builder, static_cast<size_t>(product.bias), shape.channels));
  builder.call("depthwise_fma", operands,
               [depthwise](void* const* pointers, RunContext&) { depthwise.run(pointers); });
  return true;
}

}  // namespace calibr8
