// oneDNN 2 creates a primitive descriptor from an operation descriptor; oneDNN 3 has no operation
// descriptors.
#include <algorithm>
#include <new>

#include "error.h"
#include "onednn/primitive.h"

namespace calibr8::onednn {
namespace {

using dnnl::algorithm;
constexpr auto kInference = dnnl::prop_kind::forward_inference;

/** Runs a constructor of a primitive descriptor; "no implementation" is an answer, all else an error. */
template <typename Make>
std::optional<Description> attempt(const char* what, Make make) {
  try {
    return make();
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_unimplemented) return std::nullopt;
    if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
    throw Error(Code::kOnednn, text("oneDNN refuses this ", what, ": ", error.what(), "."));
  }
}

dnnl::primitive_attr plainAttributes() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

Dims minusOne(Dims dilations) {
  for (int64_t& dilation : dilations) --dilation;
  return dilations;
}

dnnl::memory::desc biasOf(const Layout& destination, bool present) {
  if (!present) return dnnl::memory::desc();
  return Layout::any({destination.dims()[1]}, DataType::kFloat32).desc();
}

}  // namespace

std::optional<Description> makeConvolution(const Device& device, const ConvolutionSpec& spec) {
  return attempt(spec.transposed ? "deconvolution" : "convolution", [&]() -> std::optional<Description> {
    Attributes attributes = makeAttributes(spec.scaling, spec.postOps, 1 << 1);
    if (!attributes.expressible) return std::nullopt;
    dnnl::memory::desc bias = biasOf(spec.destination, spec.bias);
    Dims dilations = minusOne(spec.dilations);
    if (spec.transposed) {
      dnnl::deconvolution_forward::desc desc(kInference, algorithm::deconvolution_direct, spec.source.desc(),
                                             spec.weights.desc(), bias, spec.destination.desc(), spec.strides,
                                             dilations, spec.padsBegin, spec.padsEnd);
      return Description(dnnl::deconvolution_forward::primitive_desc(desc, attributes.attr, device.engine),
                         attributes.arguments);
    }
    dnnl::convolution_forward::desc desc(kInference, algorithm::convolution_direct, spec.source.desc(),
                                         spec.weights.desc(), bias, spec.destination.desc(), spec.strides,
                                         dilations, spec.padsBegin, spec.padsEnd);
    return Description(dnnl::convolution_forward::primitive_desc(desc, attributes.attr, device.engine),
                       attributes.arguments);
  });
}

std::optional<Description> makeInnerProduct(const Device& device, const InnerProductSpec& spec) {
  return attempt("inner product", [&]() -> std::optional<Description> {
    Attributes attributes = makeAttributes(spec.scaling, spec.postOps, 1 << 1);
    if (!attributes.expressible) return std::nullopt;
    dnnl::memory::desc bias = biasOf(spec.destination, spec.bias);
    dnnl::inner_product_forward::desc desc(kInference, spec.source.desc(), spec.weights.desc(), bias,
                                           spec.destination.desc());
    return Description(dnnl::inner_product_forward::primitive_desc(desc, attributes.attr, device.engine),
                       attributes.arguments);
  });
}

std::optional<Description> makeMatmul(const Device& device, const MatmulSpec& spec) {
  return attempt("matrix product", [&]() -> std::optional<Description> {
    Attributes attributes = makeAttributes(spec.scaling, spec.postOps, 1 << (spec.destination.rank() - 1));
    if (!attributes.expressible) return std::nullopt;
    dnnl::memory::desc bias = spec.bias.defined() ? spec.bias.desc() : dnnl::memory::desc();
    dnnl::matmul::desc desc(spec.source.desc(), spec.weights.desc(), bias, spec.destination.desc());
    return Description(dnnl::matmul::primitive_desc(desc, attributes.attr, device.engine),
                       attributes.arguments);
  });
}

std::optional<Description> makePooling(const Device& device, const PoolingSpec& spec) {
  return attempt("pooling", [&]() -> Description {
    algorithm kind = spec.algorithm == PoolingSpec::Algorithm::kMax ? algorithm::pooling_max
                     : spec.algorithm == PoolingSpec::Algorithm::kAverageIncludePadding
                         ? algorithm::pooling_avg_include_padding
                         : algorithm::pooling_avg_exclude_padding;
    bool dense = std::all_of(spec.dilations.begin(), spec.dilations.end(), [](int64_t d) { return d == 1; });
    if (dense) {
      // The older descriptor: pooling_v2 has fewer optimized implementations.
      dnnl::pooling_forward::desc desc(kInference, kind, spec.source.desc(), spec.destination.desc(),
                                       spec.strides, spec.kernel, spec.padsBegin, spec.padsEnd);
      return {dnnl::pooling_forward::primitive_desc(desc, plainAttributes(), device.engine)};
    }
    dnnl::pooling_v2_forward::desc desc(kInference, kind, spec.source.desc(), spec.destination.desc(),
                                        spec.strides, spec.kernel, minusOne(spec.dilations), spec.padsBegin,
                                        spec.padsEnd);
    return {dnnl::pooling_v2_forward::primitive_desc(desc, plainAttributes(), device.engine)};
  });
}

std::optional<Description> makeReorder(const Device& device, const ReorderSpec& spec) {
  return attempt("reorder", [&]() -> Description {
    dnnl::primitive_attr attr = plainAttributes();
    bool scaled = std::any_of(spec.scales.begin(), spec.scales.end(), [](float scale) { return scale != 1; });
    if (scaled) attr.set_output_scales(spec.scales.size() > 1 ? 1 << spec.axis : 0, spec.scales);
    if (spec.sourceZeroPoint) attr.set_zero_points(DNNL_ARG_SRC, 0, {spec.sourceZeroPoint});
    if (spec.destinationZeroPoint) attr.set_zero_points(DNNL_ARG_DST, 0, {spec.destinationZeroPoint});
    return {dnnl::reorder::primitive_desc(device.engine, spec.source.desc(), device.engine,
                                          spec.destination.desc(), attr)};
  });
}

std::optional<Description> makeEltwise(const Device& device, const Layout& layout, const Native& function) {
  return attempt("eltwise", [&]() -> Description {
    dnnl::eltwise_forward::desc desc(kInference, function.algorithm, layout.desc(), function.alpha,
                                     function.beta);
    return {dnnl::eltwise_forward::primitive_desc(desc, plainAttributes(), device.engine)};
  });
}

std::optional<Description> makeBinary(const Device& device, const BinarySpec& spec) {
  return attempt("binary", [&]() -> Description {
    dnnl::primitive_attr attr = plainAttributes();
    if (spec.scaleA != 1) attr.set_scales(DNNL_ARG_SRC_0, 0, {spec.scaleA});
    if (spec.scaleB != 1) attr.set_scales(DNNL_ARG_SRC_1, 0, {spec.scaleB});
    dnnl::binary::desc desc(nativeBinary(spec.function), spec.a.desc(), spec.b.desc(),
                            spec.destination.desc());
    return {dnnl::binary::primitive_desc(desc, attr, device.engine)};
  });
}

std::optional<Description> makeSoftmax(const Device& device, const Layout& layout, int axis, bool log) {
  return attempt("softmax", [&]() -> Description {
    if (log) {
      dnnl::logsoftmax_forward::desc desc(kInference, layout.desc(), axis);
      return {dnnl::logsoftmax_forward::primitive_desc(desc, plainAttributes(), device.engine)};
    }
    dnnl::softmax_forward::desc desc(kInference, layout.desc(), axis);
    return {dnnl::softmax_forward::primitive_desc(desc, plainAttributes(), device.engine)};
  });
}

std::optional<Description> makeConcat(const Device& device, int axis, const std::vector<Layout>& sources,
                                      const Layout& destination) {
  return attempt("concat", [&]() -> Description {
    std::vector<dnnl::memory::desc> descs;
    for (const Layout& source : sources) descs.push_back(source.desc());
    if (!destination.defined()) {
      return {dnnl::concat::primitive_desc(axis, descs, device.engine, plainAttributes())};
    }
    return {dnnl::concat::primitive_desc(destination.desc(), axis, descs, device.engine, plainAttributes())};
  });
}

std::optional<Description> makeResampling(const Device& device, const ResamplingSpec& spec) {
  return attempt("resampling", [&]() -> Description {
    dnnl::resampling_forward::desc desc(
        kInference, spec.linear ? algorithm::resampling_linear : algorithm::resampling_nearest, spec.factors,
        spec.source.desc(), spec.destination.desc());
    return {dnnl::resampling_forward::primitive_desc(desc, plainAttributes(), device.engine)};
  });
}

std::optional<Description> makeLrn(const Device& device, const LrnSpec& spec) {
  return attempt("lrn", [&]() -> Description {
    dnnl::lrn_forward::desc desc(kInference, algorithm::lrn_across_channels, spec.source.desc(), spec.size,
                                 spec.alpha, spec.beta, spec.k);
    return {dnnl::lrn_forward::primitive_desc(desc, plainAttributes(), device.engine)};
  });
}

}  // namespace calibr8::onednn
