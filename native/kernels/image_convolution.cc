#include "kernels/image_convolution.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "kernels/clamp.h"
#include "kernels/image_fma.h"
#include "kernels/parallel.h"

namespace calibr8 {

using onednn::Layout;

namespace {

constexpr int64_t kMostChannels = 4;
/** With larger windows, arithmetic outweighs the reorder that oneDNN's kernel wants, and that is as fast as
 * ours. */
constexpr int64_t kMostKernel = 3;

struct Shape {
  int64_t batch, channels, filters;
  /** Height and width. */
  int64_t in[2], out[2], kernel[2], strides[2], pads[2];

  int64_t blocks() const { return (filters + kImageBlock - 1) / kImageBlock; }
  int64_t window() const { return channels * kernel[0] * kernel[1]; }
  /** Filters that a block's weights have room for. */
  int64_t lanesOf(int64_t block) const {
    int64_t count = std::min(kImageBlock, filters - block * kImageBlock);
    return (count + kImageLanes - 1) / kImageLanes * kImageLanes;
  }
  int64_t paddedFilters() const { return (blocks() - 1) * kImageBlock + lanesOf(blocks() - 1); }
};

std::optional<Shape> shapeOf(const StepBuilder& builder, const ConvolutionGeometry& geometry) {
  const Value& x = builder.source(0);
  const Value& weights = builder.source(1);
  const Value& y = builder.destination();
  bool fits = x.dims.size() == 4 && x.dims[1] <= kMostChannels && geometry.groups == 1 &&
              geometry.dilations == Dims{1, 1} && weights.dims[2] <= kMostKernel &&
              weights.dims[3] <= kMostKernel;
  if (!fits) return std::nullopt;
  Shape shape{};
  shape.batch = x.dims[0];
  shape.channels = x.dims[1];
  shape.filters = y.dims[1];
  for (size_t i = 0; i < 2; ++i) {
    shape.in[i] = x.dims[i + 2];
    shape.out[i] = y.dims[i + 2];
    shape.kernel[i] = weights.dims[i + 2];
    shape.strides[i] = geometry.strides[i];
    shape.pads[i] = geometry.padsBegin[i];
  }
  return shape;
}

/** The whole convolution: addresses come with each run. */
struct ImageConvolution {
  Shape shape;
  Clamp clamp;
  bool hasBias;
  /** As many as a row of the image or the biases. */
  std::shared_ptr<const Buffer> zeros;

  /** Source, weights, destination, perhaps bias. */
  void run(void* const* pointers) const {
    size_t rows = static_cast<size_t>(shape.batch * shape.out[0]);
    parallelFor(rows, 4, [&](size_t begin, size_t end) {
      for (size_t row = begin; row < end; ++row)
        runRow(pointers, static_cast<int64_t>(row) / shape.out[0], static_cast<int64_t>(row) % shape.out[0]);
    });
  }

  void runRow(void* const* pointers, int64_t image, int64_t y) const {
    auto* nothing = reinterpret_cast<const float*>(zeros->data());
    const float* source[kMostChannels * kMostKernel];
    for (int64_t c = 0; c < shape.channels; ++c) {
      auto* plane =
          static_cast<const float*>(pointers[0]) + (image * shape.channels + c) * shape.in[0] * shape.in[1];
      for (int64_t k = 0; k < shape.kernel[0]; ++k) {
        int64_t from = y * shape.strides[0] - shape.pads[0] + k;
        bool inside = from >= 0 && from < shape.in[0];
        source[c * shape.kernel[0] + k] = inside ? plane + from * shape.in[1] : nothing;
      }
    }
    ImageRow row{};
    row.source = source;
    row.rows = shape.channels * shape.kernel[0];
    row.kernel = shape.kernel[1];
    row.stride = shape.strides[1];
    row.padLeft = shape.pads[1];
    row.inWidth = shape.in[1];
    row.pixel = shape.filters;
    row.width = shape.out[1];
    row.low = clamp.low;
    row.high = clamp.high;
    auto* target =
        static_cast<float*>(pointers[2]) + (image * shape.out[0] + y) * shape.out[1] * shape.filters;
    for (int64_t block = 0; block < shape.blocks(); ++block) {
      int64_t first = block * kImageBlock;
      row.weights = static_cast<const float*>(pointers[1]) + first * shape.window();
      row.bias = hasBias ? static_cast<const float*>(pointers[3]) + first : nothing;
      row.destination = target + first;
      row.channels = std::min(kImageBlock, shape.filters - first);
      runImageRow(row);
    }
  }
};

/** By block: channel, row and column of the window, filter. */
Operand readWeights(StepBuilder& builder, const Shape& shape) {
  int64_t count = shape.paddedFilters() * shape.window();
  return builder.constant(
      1, Layout::rowMajor({count}, DataType::kFloat32), "image", [&](const uint8_t* from, uint8_t* to) {
        auto* weights = reinterpret_cast<const float*>(from);
        auto* target = reinterpret_cast<float*>(to);
        std::fill(target, target + count, 0.0f);
        for (int64_t filter = 0; filter < shape.filters; ++filter) {
          int64_t block = filter / kImageBlock;
          float* first = target + block * kImageBlock * shape.window() + filter % kImageBlock;
          for (int64_t i = 0; i < shape.window(); ++i)
            first[i * shape.lanesOf(block)] = weights[filter * shape.window() + i];
        }
      });
}

Operand readBias(StepBuilder& builder, size_t source, const Shape& shape) {
  int64_t count = shape.paddedFilters();
  return builder.constant(
      source, Layout::rowMajor({count}, DataType::kFloat32), "image", [&](const uint8_t* from, uint8_t* to) {
        auto* numbers = reinterpret_cast<const float*>(from);
        auto* target = reinterpret_cast<float*>(to);
        std::fill(std::copy(numbers, numbers + shape.filters, target), target + count, 0.0f);
      });
}

}  // namespace

bool buildImageConvolution(StepBuilder& builder, const ConvolutionGeometry& geometry,
                           const Product& product) {
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  auto shape = shapeOf(builder, geometry);
  auto clamp = clampOf(product.postOps);
  bool real = x.dtype == DataType::kFloat32 && y.dtype == DataType::kFloat32;
  // oneDNN's limit on instruction sets holds for us as well.
  bool allowed = hasImageFma() && onednn::libraryInfo().isa.rfind("avx512", 0) == 0;
  bool known =
      builder.isConstant(1) && (product.bias < 0 || builder.isConstant(static_cast<size_t>(product.bias)));
  // A consumer that wants another layout would want a reorder of the result, which is larger than the source.
  Layout written = Layout::channelsLast(y.dims, y.dtype);
  Layout wish = builder.preferred();
  if (wish.defined() && wish != written) return false;
  if (!shape || !clamp || !real || !allowed || !known || !builder.layout(0).isRowMajor()) return false;

  size_t bytes = static_cast<size_t>(std::max(shape->in[1], shape->paddedFilters())) * sizeof(float);
  auto zeros = std::make_shared<Buffer>(bytes);
  std::fill(zeros->data(), zeros->data() + bytes, uint8_t{0});
  ImageConvolution convolution{*shape, *clamp, product.bias >= 0, std::move(zeros)};
  builder.setWork({product.multiplyAdds, false});
  std::vector<Operand> operands = {builder.read(0), readWeights(builder, *shape), builder.write(written)};
  if (convolution.hasBias) operands.push_back(readBias(builder, static_cast<size_t>(product.bias), *shape));
  builder.call("image_fma", operands,
               [convolution](void* const* pointers, RunContext&) { convolution.run(pointers); });
  return true;
}

}  // namespace calibr8
