// oneDNN 2: stored = round(postOps(outputScale x (accumulator + bias)) + zeroPoint). The division by the
// destination's scale belongs into the output scale where every post-op commutes with it; else it follows the
// last post-op that does not.
#include "onednn/post_ops.h"

namespace calibr8::onednn {
namespace {

using dnnl::algorithm;

/** f(x / d) = f(x) / d, possibly with other alpha and beta. */
bool commutesWithScaling(const PostOp& postOp) {
  switch (postOp.kind) {
    case PostOp::Kind::kSum:
      return true;
    case PostOp::Kind::kBinary:
      return postOp.binary == BinaryFunction::kMul || postOp.binary == BinaryFunction::kDiv;
    case PostOp::Kind::kEltwise:
      switch (postOp.eltwise.function) {
        case Function::kRelu:
        case Function::kClip:
        case Function::kAbs:
        case Function::kLinear:
          return true;
        default:
          return false;
      }
  }
  return false;
}

/** y = alpha x: a factor that the output scale or the eltwise before it takes in for nothing. */
bool isFactor(const PostOp& postOp) {
  return postOp.kind == PostOp::Kind::kEltwise && postOp.eltwise.function == Function::kLinear &&
         postOp.eltwise.beta == 0;
}

Eltwise scaled(Eltwise eltwise, float divisor) {
  if (eltwise.function == Function::kClip) eltwise.alpha /= divisor;
  if (eltwise.function == Function::kClip || eltwise.function == Function::kLinear) eltwise.beta /= divisor;
  return eltwise;
}

}  // namespace

Attributes makeAttributes(const Scaling& scaling, const std::vector<PostOp>& postOps, int channelMask) {
  Attributes result;
  result.attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);

  size_t lastReal = postOps.size();
  if (scaling.destination != 1) {
    for (size_t i = postOps.size(); i-- > 0 && lastReal == postOps.size();) {
      if (!commutesWithScaling(postOps[i])) lastReal = i;
    }
  }
  // Register values are real values / divisor.
  float divisor = lastReal == postOps.size() ? scaling.destination : 1.0f;
  bool leadingFactor = scaling.quantized && lastReal > 0 && !postOps.empty() && isFactor(postOps[0]);
  double factor = leadingFactor ? postOps[0].eltwise.alpha : 1.0;
  if (scaling.quantized) {
    std::vector<float> scales(scaling.weights.size());
    for (size_t i = 0; i < scales.size(); ++i) {
      scales[i] =
          static_cast<float>(static_cast<double>(scaling.source) * scaling.weights[i] * factor / divisor);
    }
    result.attr.set_output_scales(scales.size() > 1 ? channelMask : 0, scales);
    if (scaling.sourceZeroPoint) result.attr.set_zero_points(DNNL_ARG_SRC, 0, {scaling.sourceZeroPoint});
    if (scaling.destinationZeroPoint)
      result.attr.set_zero_points(DNNL_ARG_DST, 0, {scaling.destinationZeroPoint});
  }

  dnnl::post_ops chain;
  bool absorbed = false;
  bool clips = false;
  for (size_t i = 0; i < postOps.size(); ++i) {
    const PostOp& postOp = postOps[i];
    int argument = 0;
    bool divides = false;
    if (i == 0 && leadingFactor) {
      result.arguments.push_back(argument);
      continue;
    }
    if (postOp.kind == PostOp::Kind::kSum) {
      chain.append_sum(postOp.scale / divisor, postOp.zeroPoint, dataTypeOf(postOp.type));
    } else if (postOp.kind == PostOp::Kind::kBinary) {
      argument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(chain.len()) | DNNL_ARG_SRC_1;
      chain.append_binary(nativeBinary(postOp.binary), postOp.source.desc());
    } else {
      std::vector<Native> natives = nativeFunctions(scaled(postOp.eltwise, divisor));
      for (size_t j = 0; j < natives.size(); ++j) {
        bool last = j + 1 == natives.size();
        divides = i == lastReal && last;
        float output = divides ? 1.0f / scaling.destination : 1.0f;
        // What follows a division by the destination's scale is in its units, and so is the factor.
        if (last && i + 1 < postOps.size() && i + 1 != lastReal && isFactor(postOps[i + 1])) {
          output *= postOps[i + 1].eltwise.alpha;
          absorbed = true;
        }
        algorithm function = natives[j].algorithm;
        if (function == algorithm::eltwise_clip) {
          // A chain's second function of one algorithm is computed with the first one's numbers; clip has
          // another name.
          if (clips) function = algorithm::eltwise_clip_v2;
          clips = true;
        }
        chain.append_eltwise(output, function, natives[j].alpha, natives[j].beta);
      }
    }
    if (i == lastReal) {
      if (!divides) chain.append_eltwise(1.0f, algorithm::eltwise_linear, 1.0f / scaling.destination, 0.0f);
      divisor = scaling.destination;
    }
    result.arguments.push_back(argument);
    if (absorbed) {
      absorbed = false;
      ++i;
      result.arguments.push_back(0);
    }
  }
  if (chain.len() > 0) result.attr.set_post_ops(chain);
  return result;
}

std::vector<float> biasFactors(const Scaling& scaling) {
  if (!scaling.quantized) return {1.0f};
  std::vector<float> factors(scaling.weights.size());
  for (size_t i = 0; i < factors.size(); ++i) {
    factors[i] = static_cast<float>(1.0 / (static_cast<double>(scaling.source) * scaling.weights[i]));
  }
  return factors;
}

std::vector<Native> nativeFunctions(const Eltwise& eltwise) {
  float alpha = eltwise.alpha;
  float beta = eltwise.beta;
  switch (eltwise.function) {
    case Function::kRelu:
      return {{algorithm::eltwise_relu, alpha, 0}};
    case Function::kClip:
      return {{algorithm::eltwise_clip, alpha, beta}};
    case Function::kLogistic:
      return {{algorithm::eltwise_logistic, 0, 0}};
    case Function::kTanh:
      return {{algorithm::eltwise_tanh, 0, 0}};
    case Function::kElu:
      return {{algorithm::eltwise_elu, alpha, 0}};
    case Function::kExp:
      return {{algorithm::eltwise_exp, 0, 0}};
    case Function::kLog:
      return {{algorithm::eltwise_log, 0, 0}};
    case Function::kSqrt:
      return {{algorithm::eltwise_sqrt, 0, 0}};
    case Function::kAbs:
      return {{algorithm::eltwise_abs, 0, 0}};
    case Function::kSquare:
      return {{algorithm::eltwise_square, 0, 0}};
    case Function::kGeluErf:
      return {{algorithm::eltwise_gelu_erf, 0, 0}};
    case Function::kGeluTanh:
      return {{algorithm::eltwise_gelu_tanh, 0, 0}};
    case Function::kSwish:
      return {{algorithm::eltwise_swish, alpha, 0}};
    case Function::kHardswish:
      return {{algorithm::eltwise_hardswish, 0, 0}};
    case Function::kHardsigmoid:
      return {{algorithm::eltwise_linear, alpha, beta}, {algorithm::eltwise_clip, 0, 1}};
    case Function::kMish:
      return {{algorithm::eltwise_mish, 0, 0}};
    case Function::kSoftRelu:
      return {{algorithm::eltwise_soft_relu, 0, 0}};
    case Function::kPow:
      return {{algorithm::eltwise_pow, alpha, beta}};
    case Function::kLinear:
      return {{algorithm::eltwise_linear, alpha, beta}};
    case Function::kRound:
      return {{algorithm::eltwise_round, 0, 0}};
  }
  return {};
}

dnnl::algorithm nativeBinary(BinaryFunction function) {
  switch (function) {
    case BinaryFunction::kAdd:
      return algorithm::binary_add;
    case BinaryFunction::kSub:
      return algorithm::binary_sub;
    case BinaryFunction::kMul:
      return algorithm::binary_mul;
    case BinaryFunction::kDiv:
      return algorithm::binary_div;
    case BinaryFunction::kMax:
      return algorithm::binary_max;
    case BinaryFunction::kMin:
      return algorithm::binary_min;
    case BinaryFunction::kGe:
      return algorithm::binary_ge;
    case BinaryFunction::kGt:
      return algorithm::binary_gt;
    case BinaryFunction::kLe:
      return algorithm::binary_le;
    case BinaryFunction::kLt:
      return algorithm::binary_lt;
    case BinaryFunction::kEq:
      return algorithm::binary_eq;
    case BinaryFunction::kNe:
      return algorithm::binary_ne;
  }
  return algorithm::undef;
}

}  // namespace calibr8::onednn
