#include "kernels/tiled_convolution.h"

#include <omp.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "kernels/parallel.h"
#include "kernels/requantization.h"
#include "kernels/residual.h"
#include "kernels/tile_source.h"
#include "kernels/tile_table.h"
#include "kernels/tile_vnni.h"
#include "kernels/tile_weights.h"

namespace calibr8 {

using onednn::Layout;

namespace {

/** Source that stays in the second cache while blocks of channels take turns, each with its weights. */
constexpr int64_t kSourceBytes = 256 << 10;
/** Of what the next step reads: the second cache has to have room for it. */
constexpr size_t kMostUpcoming = 256 << 10;
/** A piece of work with fewer tiles has no time to wait for its own weights before it fetches others. */
constexpr int64_t kTilesToWait = 4;
/** More weights than that are too much for every thread to read. */
constexpr int64_t kSharedWeights = 512 << 10;
/** At least, so that one that is late has some that others can take. */
constexpr int64_t kJobsPerThread = 4;
/** A block that is not whole has fewer sums under way at once; it may be this part of all channels. */
constexpr int64_t kPartialShare = 16;

/** The whole convolution: addresses come with each run. */
struct TiledConvolution {
  TileShape shape;
  TileTable table;
  bool flips;
  TileRequantization to;
  bool hasResidual, hasBias;
  /** A pixel outside of the image. */
  std::shared_ptr<const Buffer> outside;
  std::shared_ptr<const Buffer> scales;
  /** Zeros, for a convolution without a bias. */
  std::shared_ptr<const Buffer> noBias;
  /** Where the source is read by rows. */
  std::optional<Borders> borders;

  /**
   * Tiles that every block of channels goes over before the next one does. Threads get as many such groups
   * each, so that what they write is what they read in the next layer.
   */
  int64_t tilesOfJob(int64_t threads) const {
    int64_t tiles = std::clamp<int64_t>(kSourceBytes / (shape.in * kTilePixels), 1, table.tiles());
    int64_t groups = (table.tiles() + tiles - 1) / tiles;
    if (threads > 1 && !byBlocks(threads)) {
      int64_t least = (kJobsPerThread * threads + shape.blocks() - 1) / shape.blocks();
      groups = (std::max(groups, least) + threads - 1) / threads * threads;
    }
    return (table.tiles() + groups - 1) / groups;
  }

  /** Whether threads share the blocks of channels rather than pixels: so much is read of weights, each once.
   */
  bool byBlocks(int64_t threads) const {
    return threads > 1 && shape.weightsBytes() > kSharedWeights && shape.blocks() >= 2 * threads;
  }

  /** Source, weights, destination, residual if any, bias if any, room for borders if any. `upcoming`: what is
   * read after this step. */
  void run(void* const* pointers, const Upcoming& upcoming) const {
    auto* source = static_cast<const uint8_t*>(pointers[0]);
    if (borders) {
      auto* room = static_cast<uint8_t*>(pointers[3 + (hasResidual ? 1 : 0) + (hasBias ? 1 : 0)]);
      borders->copy(source, room);
      source = room;
    }
    int64_t threads = omp_get_max_threads();
    int64_t size = tilesOfJob(threads);
    int64_t groups = (table.tiles() + size - 1) / size;
    int64_t blocks = shape.blocks();
    bool blocksFirst = byBlocks(threads);
    parallelFor(static_cast<size_t>(groups * blocks), 1, [&](size_t begin, size_t end) {
      for (auto job = static_cast<int64_t>(begin); job < static_cast<int64_t>(end); ++job) {
        int64_t block = blocksFirst ? job / groups : job % blocks;
        int64_t group = blocksFirst ? job % groups : job / blocks;
        // Others of a team fetch nothing for the next step: it does not tell which of them reads what.
        bool isLast = block + 1 == blocks && group + 1 == groups;
        Upcoming next = isLast ? Upcoming{upcoming.data, std::min(upcoming.bytes, kMostUpcoming)}
                               : nextBlock(pointers, block);
        runJob(pointers, source, block, group * size, size, next);
      }
    });
  }

  Upcoming nextBlock(void* const* pointers, int64_t block) const {
    if (block + 1 == shape.blocks()) return {};
    TileWeights next(pointers[1], shape, block + 1);
    return {reinterpret_cast<const uint8_t*>(next.weights), static_cast<size_t>(shape.blockBytes())};
  }

  void runJob(void* const* pointers, const uint8_t* source, int64_t block, int64_t first, int64_t size,
              const Upcoming& next) const {
    TileWeights own(pointers[1], shape, block);
    auto* destination = static_cast<uint8_t*>(pointers[2]);
    auto* residual = hasResidual ? static_cast<const uint8_t*>(pointers[3]) : nullptr;
    int64_t channel = block * kTileChannels;
    VnniTiles tile{};
    tile.outside = outside->data();
    tile.taps = shape.taps;
    tile.groups = shape.groups();
    tile.flips = flips;
    tile.weights = own.weights;
    int32_t start[kTileChannels];
    std::copy(own.start, own.start + kTileChannels, start);
    tile.start = start;
    tile.bias = reinterpret_cast<const float*>(noBias->data()) + channel;
    if (hasBias) {
      TileBias bias(pointers[hasResidual ? 4 : 3], shape, block);
      tile.biased = !bias.addTo(start, own.greatest);
      if (tile.biased) tile.bias = bias.bias;
    }
    tile.scale = reinterpret_cast<const float*>(scales->data()) + channel;
    tile.pixel = shape.out;
    tile.channels = shape.channelsOf(block);
    tile.to = &to;
    int64_t end = std::min(first + size, table.tiles());
    // runTiles() leaves these as they are, so that each row asks again: some of the first requests are
    // dropped.
    tile.ahead = reinterpret_cast<const int8_t*>(next.data);
    tile.aheadEnd = tile.ahead + next.bytes;
    tile.arriving = end - first >= kTilesToWait ? 1 : 0;
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
      tile.arriving = 0;
    }
  }
};

TileShape shapeOf(const StepView& step, const TileSource& source) {
  return {source.depth, step.destination().dims[1], source.taps()};
}

/** How results are rounded, where these kernels can have the convolution at all. */
std::optional<Requantization> applies(const StepView& step, const std::optional<TileSource>& source,
                                      const Product& product) {
  if (!mayUseVnni512() || !hasTileVnni() || !source) return std::nullopt;
  const Value& x = step.source(0);
  const Value& y = step.destination();
  // What is packed in advance must be known.
  bool known = step.isConstant(1) && (product.bias < 0 || step.isConstant(static_cast<size_t>(product.bias)));
  if (!known || !isInt8(x.dtype) || !isInt8(y.dtype)) return std::nullopt;
  TileShape shape = shapeOf(step, *source);
  bool whole = shape.out % kTileChannels * kPartialShare <= shape.out;
  if (!whole) return std::nullopt;
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

}  // namespace

bool buildTiledConvolution(StepBuilder& builder, const ConvolutionGeometry& geometry,
                           const Product& product) {
  auto source = TileSource::of(builder, geometry);
  auto to = applies(builder, source, product);
  if (!to) return false;
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  auto table = TileTable::make(source->dims, source->window, y.dims, source->geometry, kTilePixels);
  if (!table) return false;
  bool flips = x.dtype == DataType::kInt8;
  auto zero = static_cast<uint8_t>(product.scaling.sourceZeroPoint);
  auto outside = std::make_shared<Buffer>(static_cast<size_t>(source->depth));
  std::fill(outside->data(), outside->data() + source->depth, zero);
  TileShape shape = shapeOf(builder, *source);
  TiledConvolution convolution{shape,
                               *table,
                               flips,
                               numbersOf(*to),
                               to->residual.has_value(),
                               product.bias >= 0,
                               outside,
                               tileNumbers(to->scales, shape),
                               tileNumbers({0}, shape),
                               std::nullopt};
  if (source->byRows()) convolution.borders = bordersOf(builder, geometry, *source, zero);
  builder.setWork({product.multiplyAdds, true});
  Layout layout = Layout::channelsLast(y.dims, y.dtype);
  std::vector<Operand> operands = {
      builder.read(0, Layout::channelsLast(x.dims, x.dtype)),
      readTileWeights(builder, shape, *source, product.scaling.sourceZeroPoint + (flips ? 128 : 0))};
  std::optional<Operand> residual;
  if (to->residual) {
    const Value& value = builder.source(to->residual->source);
    residual = builder.read(to->residual->source, Layout::channelsLast(value.dims, value.dtype));
  }
  operands.push_back(writeInPlace(
      builder, to->residual ? std::optional<size_t>(to->residual->source) : std::nullopt, layout));
  if (residual) operands.push_back(*residual);
  if (product.bias >= 0) operands.push_back(readTileBias(builder, shape, product, *to));
  if (convolution.borders)
    operands.push_back(builder.temporary(Layout::rowMajor({source->bytes()}, DataType::kUint8)));
  builder.call("tiled_vnni", operands, [convolution](void* const* pointers, RunContext& context) {
    convolution.run(pointers, context.upcoming);
  });
  return true;
}

Layout wishOfTiledConvolution(const StepView& step, const ConvolutionGeometry& geometry,
                              const Product& product, size_t source) {
  auto to = applies(step, TileSource::of(step, geometry), product);
  if (!to || (source != 0 && !(to->residual && to->residual->source == source))) return {};
  const Value& value = step.source(source);
  return Layout::channelsLast(value.dims, value.dtype);
}

}  // namespace calibr8
