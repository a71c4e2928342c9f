#include <algorithm>
#include <limits>

#include "kernels/depthwise.h"
#include "kernels/families.h"
#include "kernels/image_convolution.h"
#include "kernels/product.h"
#include "kernels/streamed_convolution.h"
#include "kernels/tiled_convolution.h"

namespace calibr8 {

using onednn::Layout;

namespace {

constexpr int64_t kMax = std::numeric_limits<int32_t>::max();

ConvolutionGeometry readGeometry(const StepView& step, size_t spatial) {
  const Params& params = step.params();
  ConvolutionGeometry geometry;
  geometry.groups = params.integer("groups", 1);
  geometry.strides = params.integers("strides", spatial, 1, kMax);
  geometry.dilations = params.integers("dilations", spatial, 1, kMax);
  geometry.padsBegin = params.integers("padsBegin", spatial, 0, kMax);
  geometry.padsEnd = params.integers("padsEnd", spatial, 0, kMax);
  return geometry;
}

/** The row-major weights as oneDNN orders them: [O, I/g, k...] or, with groups, [g, O/g, I/g, k...]. */
Layout viewOfWeights(const Value& value, int64_t groups, bool transposed) {
  Dims dims = value.dims;
  Dims strides = onednn::rowMajorStrides(dims);
  if (groups > 1) {
    // The leading axis is O of a convolution and I of a deconvolution; both are ordered by group.
    int64_t leading = dims[0] / groups;
    int64_t stride = strides[0];
    dims[0] = leading;
    dims.insert(dims.begin(), groups);
    strides.insert(strides.begin(), leading * stride);
  }
  size_t first = groups > 1 ? 1 : 0;
  if (transposed) {
    std::swap(dims[first], dims[first + 1]);
    std::swap(strides[first], strides[first + 1]);
  }
  return Layout::strided(dims, value.dtype, strides);
}

void checkShapes(const StepView& step, const ConvolutionGeometry& geometry, bool transposed) {
  const Value& x = step.source(0);
  const Value& weights = step.source(1);
  const Value& y = step.destination();
  size_t rank = x.dims.size();
  step.require(rank >= 3 && rank <= 5, "expected '", x.name, "' to have 3 to 5 dimensions but it has ",
               describe(x.dims), ".");
  step.requireRank(weights, rank);
  step.requireRank(y, rank);
  int64_t groups = geometry.groups;
  // `wide` is the data that the weights' leading axis runs over.
  int64_t wide = transposed ? x.dims[1] : y.dims[1];
  int64_t narrow = transposed ? y.dims[1] : x.dims[1];
  step.require(groups >= 1 && wide % groups == 0 && narrow % groups == 0 && weights.dims[0] == wide &&
                   weights.dims[1] == narrow / groups && x.dims[0] == y.dims[0],
               "weights ", describe(weights.dims), " in ", groups, " groups do not fit ", describe(x.dims),
               " -> ", describe(y.dims), ".");
  Dims extra(rank - 2, 0);
  if (transposed) extra = step.params().integers("outputPadding", rank - 2, 0, kMax);
  for (size_t i = 0; i + 2 < rank; ++i) {
    int64_t reach = (weights.dims[i + 2] - 1) * geometry.dilations[i] + 1;
    int64_t from = transposed ? y.dims[i + 2] - extra[i] : x.dims[i + 2];
    int64_t to = transposed ? x.dims[i + 2] : y.dims[i + 2];
    int64_t padded = from + geometry.padsBegin[i] + geometry.padsEnd[i] - reach;
    bool fits = padded >= 0 && padded / geometry.strides[i] + 1 == to;
    step.require(fits && reach <= kMax, "spatial axis ", i, ": sizes, strides and padding do not fit ",
                 describe(x.dims), " -> ", describe(y.dims), ".");
  }
}

/** Pixels so many bytes apart fall on the same few places of a first-level cache. */
constexpr int64_t kPage = 4096;
/** From so many output channels on, copying the source costs less than those places do. */
constexpr int64_t kSubsampledChannels = 128;

/**
 * A 1x1 convolution whose strides bring the pixels that it reads a whole number of pages apart: it is faster
 * on those pixels alone, brought together.
 */
Dims subsamplingOf(const StepView& step, const ConvolutionGeometry& geometry) {
  auto all = [](const Dims& dims, int64_t value) {
    return std::all_of(dims.begin(), dims.end(), [=](int64_t dim) { return dim == value; });
  };
  const Value& x = step.source(0);
  const Value& weights = step.source(1);
  bool pointwise = all(Dims(weights.dims.begin() + 2, weights.dims.end()), 1) && geometry.groups == 1 &&
                   all(geometry.padsBegin, 0) && all(geometry.padsEnd, 0);
  int64_t apart = geometry.strides.back() * x.dims[1] * static_cast<int64_t>(sizeOf(x.dtype));
  bool pays =
      pointwise && !all(geometry.strides, 1) && apart % kPage == 0 && weights.dims[0] >= kSubsampledChannels;
  return pays ? geometry.strides : Dims{};
}

/** Whether some window of a convolution meets nothing but padding. */
bool hasEmptyWindow(const StepView& step, const ConvolutionGeometry& geometry) {
  const Dims& x = step.source(0).dims;
  const Dims& window = step.source(1).dims;
  const Dims& y = step.destination().dims;
  for (size_t axis = 0; axis + 2 < x.size(); ++axis) {
    for (int64_t result = 0; result < y[axis + 2]; ++result) {
      int64_t at = result * geometry.strides[axis] - geometry.padsBegin[axis];
      bool empty = true;
      for (int64_t tap = 0; tap < window[axis + 2] && empty; ++tap, at += geometry.dilations[axis])
        empty = at < 0 || at >= x[axis + 2];
      if (empty) return true;
    }
  }
  return false;
}

/**
 * Sums that oneDNN's brgconv kernels cannot end a window with that meets nothing but padding: with functions
 * after them they crash, and biases are lost.
 */
bool failsInBrgconv(const onednn::ConvolutionSpec& spec) {
  auto has = [&](onednn::PostOp::Kind kind) {
    return std::any_of(spec.postOps.begin(), spec.postOps.end(),
                       [=](const onednn::PostOp& each) { return each.kind == kind; });
  };
  return has(onednn::PostOp::Kind::kSum) && (spec.bias || has(onednn::PostOp::Kind::kEltwise));
}

Product describe(const StepView& step, bool transposed) {
  size_t rank = step.source(0).dims.size();
  step.require(rank >= 3, "'", step.source(0).name, "' has no spatial axis.");
  ConvolutionGeometry geometry = readGeometry(step, rank - 2);
  checkShapes(step, geometry, transposed);
  Product product;
  int64_t channels = step.destination().dims[1];
  // Per-channel scales of grouped weights would need an order that the file does not have.
  if (transposed && geometry.groups > 1) step.requireFloat(step.source(0));
  product.scaling = readScaling(step, channels, transposed ? 1 : 0);
  product.postOps = readPostOps(step);
  product.bias = readBiasIndex(step, channels);
  product.weights = viewOfWeights(step.source(1), geometry.groups, transposed);
  // Each pixel of the result (of the source, transposed) meets every weight of its channel once.
  const Value& pixels = transposed ? step.source(0) : step.destination();
  product.multiplyAdds = static_cast<double>(pixels.elements) / static_cast<double>(pixels.dims[1]) *
                         static_cast<double>(step.source(1).elements);
  product.subsampling = transposed ? Dims{} : subsamplingOf(step, geometry);
  Dims source = step.source(0).dims;
  Dims strides = geometry.strides;
  if (!product.subsampling.empty()) {
    std::copy(step.destination().dims.begin() + 2, step.destination().dims.end(), source.begin() + 2);
    std::fill(strides.begin(), strides.end(), 1);
  }
  StepView view = step;
  bool emptyWindow = !transposed && hasEmptyWindow(step, geometry);
  product.make = [=](const Variant& variant, const onednn::Scaling& scaling,
                     const std::vector<onednn::PostOp>& postOps,
                     const Layout& destination) -> std::optional<onednn::Description> {
    onednn::ConvolutionSpec spec;
    DataType type = variant.realSources ? DataType::kFloat32 : view.source(0).dtype;
    DataType weightsType = variant.realSources ? DataType::kFloat32 : view.source(1).dtype;
    // Pixels are brought together in plain layouts only.
    spec.source =
        product.subsampling.empty() ? Layout::any(source, type) : Layout::channelsLast(source, type);
    spec.weights = Layout::any(product.weights.dims(), weightsType);
    spec.destination = destination;
    spec.bias = product.bias >= 0;
    spec.transposed = transposed;
    spec.strides = strides;
    spec.dilations = geometry.dilations;
    spec.padsBegin = geometry.padsBegin;
    spec.padsEnd = geometry.padsEnd;
    spec.scaling = scaling;
    spec.postOps = postOps;
    auto description = onednn::makeConvolution(view.device(), spec);
    bool brgconv = description && description->implementation().rfind("brgconv", 0) == 0;
    if (brgconv && emptyWindow && failsInBrgconv(spec)) return std::nullopt;
    return description;
  };
  return product;
}

void buildConvolution(StepBuilder& builder) {
  Product product = describe(builder, false);
  ConvolutionGeometry geometry = readGeometry(builder, builder.source(0).dims.size() - 2);
  if (buildDepthwise(builder, geometry, product)) return;
  if (buildImageConvolution(builder, geometry, product)) return;
  if (buildTiledConvolution(builder, geometry, product)) return;
  if (buildStreamedConvolution(builder, geometry, product)) return;
  buildProduct(builder, product);
}

Layout wishOfConvolution(const StepView& step, size_t source) {
  Product product = describe(step, false);
  ConvolutionGeometry geometry = readGeometry(step, step.source(0).dims.size() - 2);
  Layout own = wishOfTiledConvolution(step, geometry, product, source);
  if (!own.defined()) own = wishOfStreamedConvolution(step, geometry, product, source);
  return own.defined() ? own : wishOfProduct(step, product, source);
}

Layout wishOfDeconvolution(const StepView& step, size_t source) {
  return wishOfProduct(step, describe(step, true), source);
}

}  // namespace

void addConvolution(Registry& registry) {
  Kernel convolution;
  convolution.name = "convolution";
  convolution.leastSources = 2;
  convolution.postOps = true;
  convolution.wish = wishOfConvolution;
  convolution.build = buildConvolution;
  registry.add(convolution);

  Kernel deconvolution = convolution;
  deconvolution.name = "deconvolution";
  deconvolution.wish = wishOfDeconvolution;
  deconvolution.build = [](StepBuilder& builder) { buildProduct(builder, describe(builder, true)); };
  registry.add(deconvolution);
}

}  // namespace calibr8
