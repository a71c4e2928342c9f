#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "kernels/depthwise.h"
#include "kernels/depthwise_vnni.h"
#include "kernels/requantization.h"

namespace calibr8 {

using onednn::Layout;

namespace {

/** No sum of 9 products, the zero point's part included, is greater. */
constexpr float kGreatestSum = 9.0f * 255 * 128 * 2;
/** Weights and what sums start with, a block of channels after the other. */
constexpr size_t kWeightsBytes = kDepthwiseWeights + kDepthwiseNumbers;

int64_t blocksOf(int64_t channels) { return (channels + kDepthwiseBlock - 1) / kDepthwiseBlock; }

/** Pixels side by side in a register: more than one where all channels of several find room. */
int64_t pixelsOf(const DepthwiseShape& shape) {
  return shape.stride == 1 ? std::max<int64_t>(1, kDepthwiseBlock / shape.channels) : 1;
}

/** Calls body(channel, block, offset in the block) for all channels, once for each pixel of a register. */
template <typename Body>
void forChannels(const DepthwiseShape& shape, const Body& body) {
  for (int64_t i = 0; i < shape.channels * pixelsOf(shape); ++i)
    body(i % shape.channels, static_cast<size_t>(i / kDepthwiseBlock),
         depthwisePosition(i % kDepthwiseBlock));
}

void packWeights(const int8_t* from, uint8_t* to, const DepthwiseShape& shape, int32_t offset) {
  constexpr size_t vector = 4 * kDepthwiseBlock;
  std::fill(to, to + static_cast<size_t>(blocksOf(shape.channels)) * kWeightsBytes, uint8_t{0});
  forChannels(shape, [&](int64_t c, size_t block, size_t position) {
    uint8_t* weights = to + block * kWeightsBytes;
    const int8_t* taps = from + c * kDepthwiseTaps;
    int32_t sum = 0;
    for (size_t i = 0; i < kDepthwiseTaps; ++i) {
      size_t row = i / 3;
      size_t column = i % 3;
      auto tap = static_cast<uint8_t>(taps[i]);
      // The lower row of results begins a row of the image later.
      weights[(2 * column) * vector + position + row] = tap;
      weights[(2 * column + 1) * vector + position + row + 1] = tap;
      sum += taps[i];
    }
    auto* start = reinterpret_cast<int32_t*>(weights + kDepthwiseWeights);
    start[position / 4] = -offset * sum;
  });
}

/** Floats, or int32s, of a number that each channel has. */
size_t numbersOf(const DepthwiseShape& shape) {
  return static_cast<size_t>(blocksOf(shape.channels)) * (kDepthwiseNumbers / sizeof(float));
}

/** What tells constants packed for this shape from others of the same weights. */
std::string keyOf(const DepthwiseShape& shape) { return "depthwise" + std::to_string(pixelsOf(shape)) + ","; }

/** One number a channel, or one for all; at the end whether all are whole. */
void packNumbers(const std::vector<float>& from, float* to, const DepthwiseShape& shape) {
  size_t count = numbersOf(shape);
  std::fill(to, to + count, 0.0f);
  forChannels(shape, [&](int64_t c, size_t block, size_t position) {
    to[block * (kDepthwiseNumbers / sizeof(float)) + position / 4] =
        from[from.size() > 1 ? static_cast<size_t>(c) : 0];
  });
  to[count] = std::all_of(to, to + count, isWhole) ? 1 : 0;
}

std::shared_ptr<const Buffer> filled(size_t bytes, const std::function<void(uint8_t*)>& fill) {
  auto buffer = std::make_shared<Buffer>(bytes);
  fill(buffer->data());
  return buffer;
}

std::shared_ptr<const Buffer> packedNumbers(const std::vector<float>& from, const DepthwiseShape& shape) {
  return filled((numbersOf(shape) + 1) * sizeof(float),
                [&](uint8_t* to) { packNumbers(from, reinterpret_cast<float*>(to), shape); });
}

/** The whole convolution: addresses come with each run. */
struct Depthwise {
  DepthwiseShape shape;
  uint8_t outside, flip;
  Requantization to;
  /** A row outside of the image. */
  std::shared_ptr<const Buffer> outsideRow;
  std::shared_ptr<const Buffer> scales;
  /** For a convolution without a bias. */
  std::shared_ptr<const Buffer> noBias;

  void run(void* const* pointers) const {
    forStrips(shape, kDepthwiseBlock, [&](const DepthwiseStrip& strip) { runStrip(pointers, strip); });
  }

  void runStrip(void* const* pointers, const DepthwiseStrip& strip) const {
    auto* source = static_cast<const uint8_t*>(pointers[0]);
    auto* weights = static_cast<const uint8_t*>(pointers[1]);
    auto* destination = static_cast<uint8_t*>(pointers[2]);
    auto* bias = reinterpret_cast<const float*>(noBias ? noBias->data() : pointers[3]);
    DepthwiseRows rows{};
    for (int64_t i = 0; i < 4; ++i) {
      int64_t offset = shape.sourceOffset(strip, i);
      rows.source[i] = offset < 0 ? outsideRow->data() : source + offset;
    }
    rows.destination[0] = destination + shape.destinationOffset(strip);
    rows.destination[1] = strip.rows > 1 ? rows.destination[0] + shape.out[1] * shape.channels : nullptr;
    rows.pixel = shape.channels;
    rows.stride = shape.stride;
    rows.pixels = pixelsOf(shape);
    rows.inWidth = shape.in[1];
    rows.outWidth = shape.out[1];
    rows.padLeft = shape.pads[1];
    rows.outside = outside;
    rows.flip = flip;
    rows.channels = strip.channels;
    auto block = static_cast<size_t>(strip.firstChannel / kDepthwiseBlock);
    rows.weights = weights + block * kWeightsBytes;
    rows.start = reinterpret_cast<const int32_t*>(rows.weights + kDepthwiseWeights);
    size_t numbers = block * (kDepthwiseNumbers / sizeof(float));
    rows.bias = bias + numbers;
    rows.wholeBias = bias[numbersOf(shape)] != 0;
    rows.scale = reinterpret_cast<const float*>(scales->data()) + numbers;
    rows.to = {to.zeroPoint, to.isSigned, to.low, to.high};
    runDepthwise(rows);
  }
};

Depthwise describe(const StepBuilder& builder, const DepthwiseShape& shape, const Product& product,
                   const Requantization& to) {
  Depthwise depthwise{};
  depthwise.shape = shape;
  depthwise.outside = static_cast<uint8_t>(product.scaling.sourceZeroPoint);
  depthwise.flip = builder.source(0).dtype == DataType::kInt8 ? 0x80 : 0;
  depthwise.to = to;
  size_t row = static_cast<size_t>(shape.in[1] * shape.channels);
  depthwise.outsideRow = filled(row, [&](uint8_t* to) { std::fill(to, to + row, depthwise.outside); });
  depthwise.scales = packedNumbers(to.scales, shape);
  if (product.bias < 0) depthwise.noBias = packedNumbers({0}, shape);
  return depthwise;
}

Operand readWeights(StepBuilder& builder, const Depthwise& depthwise) {
  const DepthwiseShape& shape = depthwise.shape;
  int32_t outside = depthwise.flip ? static_cast<int8_t>(depthwise.outside) + 128 : depthwise.outside;
  int64_t bytes = blocksOf(shape.channels) * static_cast<int64_t>(kWeightsBytes);
  return builder.constant(1, Layout::rowMajor({bytes}, DataType::kUint8),
                          keyOf(shape) + std::to_string(outside), [&](const uint8_t* from, uint8_t* to) {
                            packWeights(reinterpret_cast<const int8_t*>(from), to, shape, outside);
                          });
}

Operand readBias(StepBuilder& builder, const DepthwiseShape& shape, const Product& product,
                 const Requantization& to) {
  auto count = static_cast<int64_t>(numbersOf(shape)) + 1;
  auto source = static_cast<size_t>(product.bias);
  DataType type = builder.source(source).dtype;
  return builder.constant(source, Layout::rowMajor({count}, DataType::kFloat32),
                          keyOf(shape) + to.key(product), [&](const uint8_t* from, uint8_t* target) {
                            packNumbers(biasOfSums(product, to, from, type, shape.channels),
                                        reinterpret_cast<float*>(target), shape);
                          });
}

}  // namespace

bool buildInt8Depthwise(StepBuilder& builder, const DepthwiseShape& shape, const Product& product) {
  if (!mayUseVnni512() || !hasDepthwiseVnni()) return false;
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  if (!isInt8(x.dtype) || !isInt8(y.dtype)) return false;
  auto to = requantizationOf(product, y.dtype, kGreatestSum);
  if (!to || to->residual) return false;
  Depthwise depthwise = describe(builder, shape, product, *to);
  builder.setWork({product.multiplyAdds, true});
  std::vector<Operand> operands = {builder.read(0, Layout::channelsLast(x.dims, x.dtype)),
                                   readWeights(builder, depthwise),
                                   builder.write(Layout::channelsLast(y.dims, y.dtype))};
  if (product.bias >= 0) operands.push_back(readBias(builder, shape, product, *to));
  builder.call("depthwise_vnni", operands,
               [depthwise](void* const* pointers, RunContext&) { depthwise.run(pointers); });
  return true;
}

}  // namespace calibr8
