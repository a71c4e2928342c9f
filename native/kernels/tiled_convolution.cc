#include "kernels/tiled_convolution.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

#include "kernels/parallel.h"
#include "kernels/requantization.h"
#include "kernels/residual.h"
#include "kernels/tile_table.h"
#include "kernels/tile_vnni.h"

namespace calibr8 {

using onednn::Layout;

namespace {

/** Source that stays in the first cache while blocks of channels take turns. */
constexpr int64_t kNearBytes = 24 << 10;
/** More weights than that are read from far away: once is enough, while the source stays in the second cache.
 */
constexpr int64_t kFarWeights = 256 << 10;
constexpr int64_t kFarBytes = 256 << 10;
constexpr int64_t kJobsPerThread = 8;
/** A block that is not whole has fewer sums under way at once; it may be this part of all channels. */
constexpr int64_t kPartialShare = 16;

struct Shape {
  int64_t in, out, taps;

  int64_t groups() const { return in / kTileDepth; }
  int64_t blocks() const { return (out + kTileChannels - 1) / kTileChannels; }
  int64_t channelsOf(int64_t block) const { return std::min(kTileChannels, out - block * kTileChannels); }
  /** Of a block with all its channels. */
  int64_t blockBytes() const { return taps * in * kTileChannels; }
  int64_t weightsBytes() const { return blocks() * blockBytes(); }
  int64_t packedBytes() const { return weightsBytes() + numbers() * 4 + static_cast<int64_t>(kAlignment); }
  int64_t numbers() const { return blocks() * kTileChannels; }
  int64_t numberOf(int64_t channel) const {
    int64_t block = channel / kTileChannels;
    return block * kTileChannels +
           static_cast<int64_t>(tilePosition(channel % kTileChannels, channelsOf(block)));
  }
};

/** Weights, what sums start with, and the greatest magnitude that a sum may have. */
void packWeights(const int8_t* from, uint8_t* to, const Shape& shape, int32_t zeroPoint) {
  int64_t bytes = shape.weightsBytes();
  std::fill(to, to + shape.packedBytes(), uint8_t{0});
  auto* start = reinterpret_cast<int32_t*>(to + bytes);
  float greatest = 0;
  for (int64_t channel = 0; channel < shape.out; ++channel) {
    int64_t block = channel / kTileChannels;
    int64_t lanes = (shape.channelsOf(block) + kTileLanes - 1) / kTileLanes * kTileLanes;
    int64_t number = shape.numberOf(channel);
    uint8_t* own = to + block * shape.blockBytes() + number % kTileChannels * kTileDepth;
    int32_t sum = 0;
    int32_t magnitude = 0;
    for (int64_t tap = 0; tap < shape.taps; ++tap) {
      for (int64_t c = 0; c < shape.in; ++c) {
        int8_t weight = from[(channel * shape.in + c) * shape.taps + tap];
        int64_t group = tap * shape.groups() + c / kTileDepth;
        own[group * lanes * kTileDepth + c % kTileDepth] = static_cast<uint8_t>(weight);
        sum += weight;
        magnitude += std::abs(weight);
      }
    }
    start[number] = -zeroPoint * sum;
    greatest = std::max(greatest, magnitude * 255.0f);
  }
  *reinterpret_cast<float*>(to + bytes + shape.numbers() * 4) = greatest;
}

void packNumbers(const std::vector<float>& from, float* to, const Shape& shape) {
  std::fill(to, to + shape.numbers(), 0.0f);
  for (int64_t c = 0; c < shape.out; ++c)
    to[shape.numberOf(c)] = from[from.size() > 1 ? static_cast<size_t>(c) : 0];
}

/** Whole numbers up to it are exact in float32, sums of them too. */
constexpr float kExact = 1 << 24;

/**
 * Adds a block's biases to what sums start with. False, with nothing done, where the sums, up to `greatest`
 * without them, would not be rounded to the same float32.
 */
bool addWhole(const float* bias, float greatest, int32_t* start) {
  if (greatest >= kExact) return false;
  bool whole = std::all_of(bias, bias + kTileChannels, [](float x) {
    return std::abs(x) < kExact && x == static_cast<float>(static_cast<int32_t>(x));
  });
  if (!whole) return false;
  for (int64_t i = 0; i < kTileChannels; ++i) start[i] += static_cast<int32_t>(bias[i]);
  return true;
}

/** The whole convolution: addresses come with each run. */
struct TiledConvolution {
  Shape shape;
  TileTable table;
  bool flips;
  TileRequantization to;
  bool hasResidual, hasBias;
  /** A pixel outside of the image. */
  std::shared_ptr<const Buffer> outside;
  std::shared_ptr<const Buffer> scales;
  /** Zeros, for a convolution without a bias. */
  std::shared_ptr<const Buffer> noBias;

  /** Tiles that every block of channels goes over before the next one does. */
  int64_t tilesOfJob() const {
    int64_t bytes = shape.weightsBytes() > kFarWeights ? kFarBytes : kNearBytes;
    int64_t tiles = std::clamp<int64_t>(bytes / (shape.in * kTilePixels), 1, table.tiles());
    int64_t wanted = omp_get_max_threads() > 1 ? omp_get_max_threads() * kJobsPerThread : 1;
    int64_t parts = (wanted + shape.blocks() - 1) / shape.blocks();
    return std::min(tiles, (table.tiles() + parts - 1) / parts);
  }

  /** Source, weights, destination, residual if any, bias if any. */
  void run(void* const* pointers) const {
    int64_t size = tilesOfJob();
    int64_t jobs = (table.tiles() + size - 1) / size * shape.blocks();
    parallelFor(static_cast<size_t>(jobs), 1, [&](size_t begin, size_t end) {
      for (auto job = static_cast<int64_t>(begin); job < static_cast<int64_t>(end); ++job)
        runJob(pointers, job % shape.blocks(), job / shape.blocks() * size, size);
    });
  }

  void runJob(void* const* pointers, int64_t block, int64_t first, int64_t size) const {
    auto* source = static_cast<const uint8_t*>(pointers[0]);
    auto* weights = static_cast<const int8_t*>(pointers[1]);
    auto* destination = static_cast<uint8_t*>(pointers[2]);
    auto* residual = hasResidual ? static_cast<const uint8_t*>(pointers[3]) : nullptr;
    auto* bias = reinterpret_cast<const float*>(noBias->data());
    int64_t channel = block * kTileChannels;
    VnniTiles tile{};
    tile.outside = outside->data();
    tile.taps = shape.taps;
    tile.groups = shape.groups();
    tile.flips = flips;
    tile.weights = weights + block * shape.blockBytes();
    int32_t start[kTileChannels];
    auto* own = reinterpret_cast<const int32_t*>(weights + shape.weightsBytes()) + channel;
    std::copy(own, own + kTileChannels, start);
    tile.start = start;
    tile.bias = bias + channel;
    if (hasBias) {
      auto* given = static_cast<const float*>(pointers[hasResidual ? 4 : 3]) + channel;
      auto* greatest = reinterpret_cast<const float*>(weights + shape.weightsBytes() + shape.numbers() * 4);
      tile.biased = !addWhole(given, *greatest, start);
      if (tile.biased) tile.bias = given;
    }
    tile.scale = reinterpret_cast<const float*>(scales->data()) + channel;
    tile.pixel = shape.out;
    tile.channels = shape.channelsOf(block);
    tile.to = &to;
    if (block + 1 < shape.blocks()) {
      tile.ahead = tile.weights + shape.blockBytes();
      tile.aheadEnd = tile.ahead + shape.blockBytes();
    }
    int64_t end = std::min(first + size, table.tiles());
    while (first < end) {
      PixelTiles row = table.row(first, end);
      first += row.tiles;
      tile.tiles = row.tiles;
      tile.pixels = row.count;
      tile.source = source + row.source;
      tile.sourceStep = row.sourceStep;
      tile.offsets = row.offsets;
      tile.offsetsStep = row.offsetsStep;
      int64_t offset = row.first * shape.out + channel;
      tile.destination = destination + offset;
      tile.residual = residual ? residual + offset : nullptr;
      runTiles(tile);
    }
  }
};

std::shared_ptr<const Buffer> numbersOf(const std::vector<float>& from, const Shape& shape) {
  auto buffer = std::make_shared<Buffer>(static_cast<size_t>(shape.numbers()) * sizeof(float));
  packNumbers(from, reinterpret_cast<float*>(buffer->data()), shape);
  return buffer;
}

Shape shapeOf(const StepView& step) {
  Dims window = step.source(1).dims;
  return {step.source(0).dims[1], step.destination().dims[1],
          countOf(Dims(window.begin() + 2, window.end()))};
}

/** How results are rounded, where these kernels can have the convolution at all. */
std::optional<Requantization> applies(const StepView& step, const ConvolutionGeometry& geometry,
                                      const Product& product) {
  if (!mayUseVnni512() || !hasTileVnni()) return std::nullopt;
  const Value& x = step.source(0);
  const Value& y = step.destination();
  // What is packed in advance must be known.
  bool known = step.isConstant(1) && (product.bias < 0 || step.isConstant(static_cast<size_t>(product.bias)));
  if (!known || !isInt8(x.dtype) || !isInt8(y.dtype)) return std::nullopt;
  Shape shape = shapeOf(step);
  bool whole = shape.out % kTileChannels * kPartialShare <= shape.out;
  if (geometry.groups != 1 || shape.in % kTileDepth != 0 || !whole) return std::nullopt;
  float greatestSum = static_cast<float>(shape.taps * shape.in) * 255 * 128 * 2;
  return requantizationOf(product, y.dtype, greatestSum);
}

TileRequantization numbersOf(const Requantization& to) {
  TileRequantization numbers{};
  numbers.zeroPoint = to.zeroPoint;
  numbers.isSigned = to.isSigned;
  numbers.low = to.low;
  numbers.high = to.high;
  numbers.rounds = to.rounding.has_value();
  if (to.rounding) {
    numbers.roundingLow = to.rounding->low;
    numbers.roundingHigh = to.rounding->high;
    numbers.roundingFactor = to.rounding->factor;
  }
  if (to.residual) {
    numbers.residualIsSigned = to.residual->isSigned;
    numbers.residualScale = to.residual->scale;
  }
  return numbers;
}

Operand readWeights(StepBuilder& builder, const Shape& shape, int32_t zeroPoint) {
  return builder.constant(1, Layout::rowMajor({shape.packedBytes()}, DataType::kUint8),
                          "tiled" + std::to_string(zeroPoint), [&](const uint8_t* from, uint8_t* to) {
                            packWeights(reinterpret_cast<const int8_t*>(from), to, shape, zeroPoint);
                          });
}

Operand readBias(StepBuilder& builder, const Shape& shape, const Product& product, const Requantization& to) {
  auto source = static_cast<size_t>(product.bias);
  DataType type = builder.source(source).dtype;
  return builder.constant(source, Layout::rowMajor({shape.numbers()}, DataType::kFloat32),
                          "tiled" + to.key(product), [&](const uint8_t* from, uint8_t* target) {
                            packNumbers(biasOfSums(product, to, from, type, shape.out),
                                        reinterpret_cast<float*>(target), shape);
                          });
}

}  // namespace

bool buildTiledConvolution(StepBuilder& builder, const ConvolutionGeometry& geometry,
                           const Product& product) {
  auto to = applies(builder, geometry, product);
  if (!to) return false;
  auto table = TileTable::make(builder, geometry, kTilePixels);
  if (!table) return false;
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  bool flips = x.dtype == DataType::kInt8;
  auto outside = std::make_shared<Buffer>(static_cast<size_t>(x.dims[1]));
  std::fill(outside->data(), outside->data() + x.dims[1],
            static_cast<uint8_t>(product.scaling.sourceZeroPoint));
  Shape shape = shapeOf(builder);
  TiledConvolution convolution{shape,
                               *table,
                               flips,
                               numbersOf(*to),
                               to->residual.has_value(),
                               product.bias >= 0,
                               outside,
                               numbersOf(to->scales, shape),
                               numbersOf({0}, shape)};
  builder.setWork({product.multiplyAdds, true});
  Layout layout = Layout::channelsLast(y.dims, y.dtype);
  std::vector<Operand> operands = {
      builder.read(0, Layout::channelsLast(x.dims, x.dtype)),
      readWeights(builder, shape, product.scaling.sourceZeroPoint + (flips ? 128 : 0))};
  std::optional<Operand> residual;
  if (to->residual) {
    const Value& value = builder.source(to->residual->source);
    residual = builder.read(to->residual->source, Layout::channelsLast(value.dims, value.dtype));
  }
  operands.push_back(writeInPlace(
      builder, to->residual ? std::optional<size_t>(to->residual->source) : std::nullopt, layout));
  if (residual) operands.push_back(*residual);
  if (product.bias >= 0) operands.push_back(readBias(builder, shape, product, *to));
  builder.call("tiled_vnni", operands,
               [convolution](void* const* pointers, RunContext&) { convolution.run(pointers); });
  return true;
}

Layout wishOfTiledConvolution(const StepView& step, const ConvolutionGeometry& geometry,
                              const Product& product, size_t source) {
  auto to = applies(step, geometry, product);
  if (!to || (source != 0 && !(to->residual && to->residual->source == source))) return {};
  const Value& value = step.source(source);
  return Layout::channelsLast(value.dims, value.dtype);
}

}  // namespace calibr8
