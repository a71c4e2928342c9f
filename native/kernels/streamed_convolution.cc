#include "kernels/streamed_convolution.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "kernels/clamp.h"
#include "kernels/parallel.h"
#include "kernels/residual.h"
#include "kernels/tile_fma.h"
#include "kernels/tile_table.h"

namespace calibr8 {

using onednn::Layout;

namespace {

/** Fewer weights stay in a near cache from run to run. */
constexpr int64_t kLeastBytes = 512 << 10;
/** With fewer tiles, weights cannot arrive as fast as they are used. */
constexpr int64_t kLeastTiles = 8;
/**
 * With more, a piece of weights is at work for so long that how fast its first use is no longer matters, and
 * oneDNN reuses more of a window's pixels, of which single ones without a residual have none.
 */
constexpr int64_t kMostTiles = 16, kMostPointwiseTiles = 40;
/** Input channels at a time: with their weights, 128 KB, the next ones' still fit into the second cache. */
constexpr int64_t kDepth = 512;
constexpr size_t kPieceElements = kDepth * kFmaChannels;

struct Shape {
  int64_t in, out, taps;

  int64_t blocks() const { return out / kFmaChannels; }
  int64_t blockSize() const { return taps * in * kFmaChannels; }
};

Shape shapeOf(const StepView& step) {
  const Value& weights = step.source(1);
  int64_t out = step.destination().dims[1], in = step.source(0).dims[1];
  return {in, out, weights.elements / (in * out)};
}

/** A residual at most, and then a clamp at most. */
struct Ending {
  Clamp clamp;
  std::optional<size_t> residual;
};

std::optional<Ending> endingOf(const StepView& step, const PostOps& postOps) {
  Ending ending;
  PostOps rest = postOps;
  if (postOps.hasSum()) {
    if (postOps.sum != 0) return std::nullopt;
    ending.residual = static_cast<size_t>(postOps.residual());
    if (step.source(*ending.residual).dtype != DataType::kFloat32) return std::nullopt;
    rest.list.erase(rest.list.begin());
  }
  auto clamp = clampOf(rest);
  if (!clamp) return std::nullopt;
  ending.clamp = *clamp;
  return ending;
}

/** How results end, where this kernel can have the convolution at all. */
std::optional<Ending> applies(const StepView& step, const ConvolutionGeometry& geometry,
                              const Product& product) {
  // oneDNN's limit on instruction sets holds for us as well.
  if (!hasTileFma() || onednn::libraryInfo().isa.rfind("avx512", 0) != 0) return std::nullopt;
  const Value& x = step.source(0);
  const Value& y = step.destination();
  bool known = step.isConstant(1) && (product.bias < 0 || step.isConstant(static_cast<size_t>(product.bias)));
  if (!known || x.dtype != DataType::kFloat32 || y.dtype != DataType::kFloat32) return std::nullopt;
  if (geometry.groups != 1 || x.dims[1] % 2 != 0 || y.dims[1] % kFmaChannels != 0) return std::nullopt;
  int64_t pixels = y.elements / y.dims[1];
  bool pointwise = shapeOf(step).taps == 1 && !product.postOps.hasSum();
  int64_t most = pointwise ? kMostPointwiseTiles : kMostTiles;
  bool pays = step.source(1).elements * static_cast<int64_t>(sizeof(float)) >= kLeastBytes &&
              pixels > (kLeastTiles - 1) * kFmaPixels && pixels <= most * kFmaPixels;
  return pays ? endingOf(step, product.postOps) : std::nullopt;
}

/** The whole convolution: addresses come with each run. */
struct StreamedConvolution {
  Shape shape;
  TileTable table;
  Clamp clamp;
  bool hasResidual, hasBias;
  /** As many as a pixel or the biases have channels. */
  std::shared_ptr<const Buffer> zeros;

  /** Source, weights, destination, residual if any, bias if any. `upcoming`: what is read after this step. */
  void run(void* const* pointers, const Upcoming& upcoming) const {
    parallelFor(static_cast<size_t>(shape.blocks()), 1, [&](size_t begin, size_t end) {
      for (size_t block = begin; block < end; ++block)
        runBlock(pointers, static_cast<int64_t>(block), upcoming);
    });
  }

  void runBlock(void* const* pointers, int64_t block, const Upcoming& upcoming) const {
    int64_t channel = block * kFmaChannels;
    const auto* nothing = reinterpret_cast<const float*>(zeros->data());
    FmaTile tile{};
    const auto* weights = static_cast<const float*>(pointers[1]);
    const float* weightsEnd = weights + shape.blocks() * shape.blockSize();
    tile.weights = weights + block * shape.blockSize();
    tile.pixel = shape.out;
    auto* destination = static_cast<float*>(pointers[2]) + channel;
    const auto* bias = hasBias ? static_cast<const float*>(pointers[hasResidual ? 4 : 3]) + channel : nothing;
    for (int64_t tap = 0; tap < shape.taps; ++tap) {
      for (int64_t first = 0; first < shape.in; first += tile.depth) {
        tile.depth = std::min(kDepth, shape.in - first);
        bool begins = tap == 0 && first == 0;
        bool ends = tap == shape.taps - 1 && first + tile.depth == shape.in;
        tile.start = begins ? bias : nullptr;
        tile.low = ends ? clamp.low : Clamp{}.low;
        tile.high = ends ? clamp.high : Clamp{}.high;
        const float* residual =
            begins && hasResidual ? static_cast<const float*>(pointers[3]) + channel : nullptr;
        const float* next = tile.weights + tile.depth * kFmaChannels;
        Upcoming ahead = next == weightsEnd
                             ? upcoming
                             : Upcoming{reinterpret_cast<const uint8_t*>(next),
                                        static_cast<size_t>(weightsEnd - next) * sizeof(float)};
        runPiece(static_cast<const float*>(pointers[0]) + first, tap, tile, ahead, destination, residual);
        tile.weights = next;
      }
    }
  }

  /** All pixels at one position of the window; of `ahead`, what is read next, as much as a piece is fetched.
   */
  void runPiece(const float* source, int64_t tap, FmaTile tile, const Upcoming& ahead, float* destination,
                const float* residual) const {
    const auto* nothing = reinterpret_cast<const float*>(zeros->data());
    tile.ahead = reinterpret_cast<const float*>(ahead.data);
    const float* aheadEnd = tile.ahead + std::min(ahead.bytes / sizeof(float), kPieceElements);
    // The first tile's own weights are still arriving.
    tile.fetches = false;
    for (int64_t first = 0; first < table.tiles();) {
      PixelTiles row = table.row(first, table.tiles());
      first += row.tiles;
      tile.pixels = row.count;
      const float* from = source + row.source;
      const int32_t* offsets = row.offsets + tap * kFmaPixels;
      int64_t at = row.first * shape.out;
      for (int64_t i = 0; i < row.tiles; ++i) {
        for (int pixel = 0; pixel < row.count; ++pixel)
          tile.rows[pixel] = offsets[pixel] < 0 ? nothing : from + offsets[pixel];
        tile.destination = destination + at;
        tile.residual = residual ? residual + at : nullptr;
        runFmaTile(tile);
        if (tile.fetches) tile.ahead += tile.depth / 2 * 16;
        tile.fetches = tile.ahead < aheadEnd;
        from += row.sourceStep;
        offsets += row.offsetsStep;
        at += row.count * shape.out;
      }
    }
  }
};

/** By block of output channels: position in the window, input channel, output channel. */
Operand readWeights(StepBuilder& builder, const Shape& shape) {
  int64_t count = shape.blocks() * shape.blockSize();
  return builder.constant(
      1, Layout::rowMajor({count}, DataType::kFloat32), "streamed", [&](const uint8_t* from, uint8_t* to) {
        auto* weights = reinterpret_cast<const float*>(from);
        auto* target = reinterpret_cast<float*>(to);
        for (int64_t out = 0; out < shape.out; ++out) {
          float* own = target + out / kFmaChannels * shape.blockSize() + out % kFmaChannels;
          for (int64_t in = 0; in < shape.in; ++in)
            for (int64_t tap = 0; tap < shape.taps; ++tap)
              own[(tap * shape.in + in) * kFmaChannels] = *weights++;
        }
      });
}

}  // namespace

bool buildStreamedConvolution(StepBuilder& builder, const ConvolutionGeometry& geometry,
                              const Product& product) {
  auto ending = applies(builder, geometry, product);
  if (!ending) return false;
  Dims window = builder.source(1).dims;
  window.erase(window.begin(), window.begin() + 2);
  auto table =
      TileTable::make(builder.source(0).dims, window, builder.destination().dims, geometry, kFmaPixels);
  if (!table) return false;
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  Shape shape = shapeOf(builder);
  auto bytes = static_cast<size_t>(std::max(shape.in, shape.out)) * sizeof(float);
  auto zeros = std::make_shared<Buffer>(bytes);
  std::fill(zeros->data(), zeros->data() + bytes, uint8_t{0});
  StreamedConvolution convolution{
      shape, *table, ending->clamp, ending->residual.has_value(), product.bias >= 0, std::move(zeros)};
  builder.setWork({product.multiplyAdds, false});
  Layout layout = Layout::channelsLast(y.dims, y.dtype);
  std::vector<Operand> operands = {builder.read(0, Layout::channelsLast(x.dims, x.dtype)),
                                   readWeights(builder, shape)};
  std::optional<Operand> residual;
  if (ending->residual) residual = builder.read(*ending->residual, layout);
  operands.push_back(writeInPlace(builder, ending->residual, layout));
  if (residual) operands.push_back(*residual);
  if (product.bias >= 0) {
    auto index = static_cast<size_t>(product.bias);
    operands.push_back(builder.read(index, Layout::rowMajor(builder.source(index).dims, DataType::kFloat32)));
  }
  builder.call("streamed_fma", operands, [convolution](void* const* pointers, RunContext& context) {
    convolution.run(pointers, context.upcoming);
  });
  return true;
}

Layout wishOfStreamedConvolution(const StepView& step, const ConvolutionGeometry& geometry,
                                 const Product& product, size_t source) {
  auto ending = applies(step, geometry, product);
  if (!ending || (source != 0 && !(ending->residual && *ending->residual == source))) return {};
  const Value& value = step.source(source);
  return Layout::channelsLast(value.dims, value.dtype);
}

}  // namespace calibr8
