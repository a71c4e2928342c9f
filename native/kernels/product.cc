#include "kernels/product.h"

#include <algorithm>
#include <cstring>

#include "kernels/strided.h"
#include "onednn/execution.h"
#include "program/convert.h"

namespace calibr8 {

using onednn::Description;
using onednn::Layout;
using onednn::Quality;

namespace {

struct Choice {
  Variant variant;
  Description description;
};

onednn::Scaling scalingFor(const Product& product, const Variant& variant) {
  onednn::Scaling scaling = product.scaling;
  if (variant.realSources) {
    scaling.source = 1;
    scaling.sourceZeroPoint = 0;
    scaling.weights = {1};
    scaling.quantized = false;
  }
  if (variant.realDestination) {
    scaling.destination = 1;
    scaling.destinationZeroPoint = 0;
  }
  return scaling;
}

/** The post-ops as the variant runs them; nothing when it cannot. */
std::optional<std::vector<onednn::PostOp>> fusedPostOps(const StepView& step, const Product& product,
                                                        const Variant& variant) {
  if (!variant.fused) return std::vector<onednn::PostOp>{};
  std::vector<onednn::PostOp> list = product.postOps.list;
  if (variant.realSources && !list.empty() && list[0].accumulates) {
    list[0].accumulates = false;
    list[0].source = list[0].source.withType(DataType::kFloat32);
  }
  if (product.postOps.hasSum()) {
    onednn::PostOp& sum = list[product.postOps.sum];
    DataType to = variant.realDestination ? DataType::kFloat32 : step.destination().dtype;
    if (sizeOf(sum.type) != sizeOf(to)) {
      // The residual is converted into the destination first, which only float32 can hold without a loss.
      if (to != DataType::kFloat32) return std::nullopt;
      sum.type = DataType::kFloat32;
      sum.scale = 1;
      sum.zeroPoint = 0;
    }
  }
  return list;
}

std::optional<Description> make(const StepView& step, const Product& product, const Variant& variant,
                                const Layout& destination) {
  auto postOps = fusedPostOps(step, product, variant);
  if (!postOps) return std::nullopt;
  return product.make(variant, scalingFor(product, variant), *postOps, destination);
}

std::vector<Variant> variantsOf(const StepView& step, const Product& product) {
  if (step.destination().dtype == DataType::kInt32) return {Variant{}};
  bool real = step.destination().dtype == DataType::kFloat32;
  bool postOps = !product.postOps.list.empty();
  std::vector<Variant> variants;
  for (bool realSources : {false, true}) {
    if (realSources && step.source(0).dtype == DataType::kFloat32) continue;
    for (bool fused : {true, false}) {
      if (!fused && !postOps) continue;
      // Not fused, the post-ops need the result in float32.
      if (!real && fused && !realSources) variants.push_back({realSources, false, true});
      variants.push_back({realSources, true, fused});
    }
  }
  return variants;
}

Choice choose(const StepView& step, const Product& product) {
  std::optional<Choice> best;
  for (const Variant& variant : variantsOf(step, product)) {
    bool real = variant.realDestination;
    Layout any = Layout::any(step.destination().dims, real ? DataType::kFloat32 : step.destination().dtype);
    auto description = make(step, product, variant, any);
    if (!description) continue;
    if (!best || description->quality() < best->description.quality()) best = Choice{variant, *description};
    if (best->description.quality() == Quality::kOptimized) break;
  }
  if (!best) throw Error(Code::kOnednn, "oneDNN has no implementation for these shapes and types.");
  return *best;
}

/** The dequantized weights in row-major order. */
std::vector<float> dequantize(const Value& value, const uint8_t* bytes) {
  std::vector<float> real(static_cast<size_t>(value.elements));
  Dims strides = onednn::rowMajorStrides(value.dims);
  int64_t stride = value.perTensor() ? 1 : strides[value.axis];
  int64_t size = value.perTensor() ? 1 : value.dims[value.axis];
  for (size_t i = 0; i < real.size(); ++i) {
    size_t channel = static_cast<size_t>(static_cast<int64_t>(i) / stride % size);
    float scale = value.quantized() ? value.scales[channel] : 1.0f;
    float stored = value.dtype == DataType::kInt8 ? reinterpret_cast<const int8_t*>(bytes)[i] : bytes[i];
    real[i] = stored * scale;
  }
  return real;
}

void reorderOnce(const StepView& step, const Layout& from, const void* source, const Layout& to,
                 uint8_t* destination) {
  auto reorder = onednn::makeReorder(step.device(), {from, to});
  if (!reorder) throw Error(Code::kOnednn, "oneDNN cannot bring the weights into their layout.");
  onednn::runOnce(
      *reorder, step.device(),
      {{onednn::kSource, from, const_cast<void*>(source)}, {onednn::kDestination, to, destination}});
}

/** The primitive's source in the source's full size, all pixels in the same order. */
Layout fullSource(const StepView& step, const Product& product, const Layout& source) {
  return product.subsampling.empty() ? source : source.withDims(step.source(0).dims);
}

Operand readSource(StepBuilder& builder, const Product& product, const Variant& variant,
                   const Layout& wanted) {
  Layout full = fullSource(builder, product, wanted);
  Operand source = variant.realSources ? builder.readReal(0, full) : builder.read(0, full);
  if (product.subsampling.empty()) return source;
  Dims strides = full.strides();
  for (size_t i = 0; i < product.subsampling.size(); ++i) strides[i + 2] *= product.subsampling[i];
  StridedCopy copy{wanted.dims(), strides, wanted.strides(), sizeOf(wanted.type())};
  // Channels, innermost in memory, last.
  for (Dims* dims : {&copy.dims, &copy.sourceStrides, &copy.destinationStrides})
    std::rotate(dims->begin() + 1, dims->begin() + 2, dims->end());
  copy.simplify();
  Operand gathered = builder.temporary(wanted);
  builder.call(
      "subsample", {source, gathered},
      [copy](void* const* pointers, RunContext&) {
        copy.run(static_cast<const uint8_t*>(pointers[0]), static_cast<uint8_t*>(pointers[1]));
      },
      /*inserted=*/true);
  return gathered;
}

Operand readWeights(StepBuilder& builder, const Product& product, const Variant& variant,
                    const Layout& wanted) {
  const Value& value = builder.source(1);
  bool dequantizes = variant.realSources && value.dtype != DataType::kFloat32;
  Layout view = dequantizes ? product.weights.withType(DataType::kFloat32) : product.weights;
  if (value.kind == Kind::kConstant) {
    std::string what = "weights" + view.key();
    if (dequantizes) {
      what += "real";
      for (float scale : value.scales) what.append(reinterpret_cast<const char*>(&scale), sizeof(scale));
    }
    return builder.constant(1, wanted, what, [&](const uint8_t* source, uint8_t* destination) {
      if (!dequantizes) return reorderOnce(builder, view, source, wanted, destination);
      std::vector<float> real = dequantize(value, source);
      reorderOnce(builder, view, real.data(), wanted, destination);
    });
  }
  Operand from = dequantizes ? builder.readReal(1, Layout::rowMajor(value.dims, DataType::kFloat32))
                             : builder.read(1, Layout::rowMajor(value.dims, value.dtype));
  from.layout = view;
  if (view == wanted) {
    from.layout = wanted;
    return from;
  }
  Operand to = builder.temporary(wanted);
  auto reorder = onednn::makeReorder(builder.device(), {view, wanted});
  if (!reorder) throw Error(Code::kOnednn, "oneDNN cannot bring the weights into their layout.");
  builder.call(*reorder, {{onednn::kSource, from}, {onednn::kDestination, to}}, /*inserted=*/true);
  return to;
}

/** What a bias is multiplied by, an output channel or 1 for all: int32 biases count in units of source x
 * weights. */
std::vector<float> factorsOfBias(const Value& bias, const onednn::Scaling& stored,
                                 const onednn::Scaling& run) {
  if (bias.dtype == DataType::kFloat32) return onednn::biasFactors(run);
  if (run.quantized) return {1.0f};
  std::vector<float> factors = stored.weights;
  for (float& factor : factors) factor *= stored.source;
  return factors;
}

Operand readBias(StepBuilder& builder, const Product& product, const onednn::Scaling& scaling) {
  size_t index = static_cast<size_t>(product.bias);
  const Value& bias = builder.source(index);
  Layout plain = Layout::rowMajor(bias.dims, DataType::kFloat32);
  std::vector<float> factors = factorsOfBias(bias, product.scaling, scaling);
  size_t count = static_cast<size_t>(bias.elements);
  auto apply = [factors, count](const auto* from, float* to) {
    for (size_t i = 0; i < count; ++i)
      to[i] = static_cast<float>(from[i]) * factors[factors.size() > 1 ? i : 0];
  };
  if (builder.isConstant(index)) {
    std::string what = "bias";
    what.append(reinterpret_cast<const char*>(factors.data()), factors.size() * sizeof(float));
    bool whole = bias.dtype == DataType::kInt32;
    return builder.constant(index, plain, what, [&](const uint8_t* from, uint8_t* to) {
      if (whole) return apply(reinterpret_cast<const int32_t*>(from), reinterpret_cast<float*>(to));
      apply(reinterpret_cast<const float*>(from), reinterpret_cast<float*>(to));
    });
  }
  Operand from = builder.read(index, plain);
  if (factors == std::vector<float>{1.0f}) return from;
  Operand to = builder.temporary(plain);
  builder.call("scale_bias", {from, to}, [apply](void* const* pointers, RunContext&) {
    apply(static_cast<const float*>(pointers[0]), static_cast<float*>(pointers[1]));
  });
  return to;
}

/** When the sum's residual has another layout than the chosen destination, perhaps the primitive can write
 * that one. */
void adoptResidualLayout(const StepBuilder& builder, const Product& product, Choice& choice) {
  if (!product.postOps.hasSum() || !choice.variant.fused) return;
  Layout wanted = builder.layout(static_cast<size_t>(product.postOps.residual()))
                      .withType(choice.description.destination().type());
  if (choice.description.destination() == wanted) return;
  auto other = make(builder, product, choice.variant, wanted);
  if (other && other->quality() <= choice.description.quality()) choice.description = *other;
}

/** The destination with the residual in it, ready for a sum: the residual's own storage or a copy. */
Operand writeOverResidual(StepBuilder& builder, const PostOps& postOps, const Layout& layout, bool own) {
  size_t index = static_cast<size_t>(postOps.residual());
  const Value& residual = builder.source(index);
  Layout current = builder.layout(index);
  bool sameSize = sizeOf(residual.dtype) == sizeOf(layout.type());
  // What the primitive reads besides the sum must not change under it.
  bool readOnce =
      index > 2 && std::count(postOps.sources.begin(), postOps.sources.end(), postOps.residual()) == 1;
  if (own && sameSize && readOnce && current.sameOrder(layout) && builder.reusable(index)) {
    builder.alias(index, layout);
    Operand operand = builder.read(index);
    operand.layout = layout;
    return operand;
  }
  Operand target = own ? builder.write(layout) : builder.temporary(layout);
  Operand stored = target;
  if (sameSize) {
    stored.layout = layout.withType(residual.dtype);
    convert(builder, builder.read(index), {}, stored, {}, /*inserted=*/true);
  } else {
    convert(builder, builder.read(index), Quantization::of(residual), stored, {}, /*inserted=*/true);
  }
  return target;
}

}  // namespace

int readBiasIndex(const StepView& step, int64_t channels) {
  if (!step.hasSource(2)) return -1;
  const Value& bias = step.source(2);
  bool whole = bias.dtype == DataType::kInt32 && bias.kind == Kind::kConstant && isInt8(step.source(0).dtype);
  if (!whole) step.requireFloat(bias);
  step.require(bias.dims == Dims{channels}, "the bias is ", describe(bias.dims), " for ", channels,
               " channels.");
  return 2;
}

onednn::Scaling readScaling(const StepView& step, int64_t channels, int channelAxis) {
  const Value& x = step.source(0);
  const Value& weights = step.source(1);
  const Value& y = step.destination();
  onednn::Scaling scaling;
  bool accumulator = y.dtype == DataType::kInt32 && isInt8(x.dtype) && step.step().postOps.empty();
  step.require(y.dtype == DataType::kFloat32 || isInt8(y.dtype) || accumulator, "the destination is ",
               nameOf(y.dtype), ".");
  step.require((y.perTensor() || accumulator) && x.perTensor(), "expected one scale for '", x.name,
               "' and for '", y.name, "'.");
  if (isInt8(y.dtype)) {
    scaling.destination = y.scale();
    scaling.destinationZeroPoint = y.zeroPoint();
  }
  if (x.dtype == DataType::kFloat32) {
    step.requireFloat(weights);
    return scaling;
  }
  step.require(isInt8(x.dtype), "source '", x.name, "' is ", nameOf(x.dtype), ".");
  step.require(weights.dtype == DataType::kInt8, "expected '", weights.name, "' to be s8 but it is ",
               nameOf(weights.dtype), ".");
  step.require(!weights.hasZeroPoint(), "the zero point of '", weights.name,
               "' must be 0: asymmetric weights are not supported.");
  scaling.quantized = true;
  scaling.sourceZeroPoint = x.zeroPoint();
  if (accumulator) {
    step.require(!step.hasSource(2), "an accumulator has no bias.");
    return scaling;
  }
  scaling.source = x.scale();
  if (weights.quantized()) scaling.weights = weights.scales;
  if (!weights.perTensor()) {
    step.require(weights.axis == channelAxis && static_cast<int64_t>(weights.scales.size()) == channels,
                 "the scales of '", weights.name, "' must run along axis ", channelAxis,
                 ", the output channels.");
  }
  return scaling;
}

Layout wishOfProduct(const StepView& step, const Product& product, size_t source) {
  bool residual = product.postOps.hasSum() && static_cast<size_t>(product.postOps.residual()) == source;
  if (source != 0 && !residual) return {};
  Description description = choose(step, product).description;
  Layout layout = source == 0 ? fullSource(step, product, description.source()) : description.destination();
  return layout.withType(step.source(source).dtype);
}

void buildProduct(StepBuilder& builder, const Product& product) {
  Choice choice = choose(builder, product);
  adoptResidualLayout(builder, product, choice);
  const Description& description = choice.description;
  const Variant& variant = choice.variant;
  builder.setWork({product.multiplyAdds, isInt8(description.source().type())});

  std::vector<std::pair<int, Operand>> arguments;
  arguments.emplace_back(onednn::kSource, readSource(builder, product, variant, description.source()));
  arguments.emplace_back(onednn::kWeights, readWeights(builder, product, variant, description.weights()));
  if (product.bias >= 0) {
    arguments.emplace_back(onednn::kBias, readBias(builder, product, scalingFor(product, variant)));
  }
  if (variant.fused) {
    for (size_t i = 0; i < product.postOps.list.size(); ++i) {
      const onednn::PostOp& postOp = product.postOps.list[i];
      if (postOp.kind != onednn::PostOp::Kind::kBinary) continue;
      size_t index = static_cast<size_t>(product.postOps.sources[i]);
      bool stored = postOp.accumulates && !variant.realSources;
      Layout wanted = postOp.source.withType(stored ? DataType::kInt32 : DataType::kFloat32);
      arguments.emplace_back(description.postOpArgument(i),
                             stored ? builder.read(index, wanted) : builder.readReal(index, wanted));
    }
  }

  const Value& value = builder.destination();
  Layout layout = description.destination();
  bool own = layout.type() == value.dtype;
  Operand target;
  if (variant.fused && product.postOps.hasSum()) {
    target = writeOverResidual(builder, product.postOps, layout, own);
  } else {
    target = own ? builder.write(layout) : builder.temporary(layout);
  }
  arguments.emplace_back(onednn::kDestination, target);
  builder.call(description, arguments);
  if (!variant.fused) applyPostOps(builder, product.postOps, target);
  if (!own) {
    Operand destination = builder.write(layout.withType(value.dtype));
    convert(builder, target, {}, destination, Quantization::of(value), /*inserted=*/false);
  }
}

}  // namespace calibr8
