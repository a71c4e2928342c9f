// oneDNN 2: stored = round(postOps(outputScale x (accumulator + bias)) + zeroPoint). The division by the
// destination's scale belongs into the output scale where every post-op commutes with it; else it follows the
// last post-op that does not.
#include <array>
#include <map>

#include "onednn/post_ops.h"

namespace calibr8::onednn {
namespace {

using dnnl::algorithm;

/** f(x / d) = f(x) / d, possibly with other alpha and beta. */
bool commutesWithScaling(const PostOp& postOp) {
  if (postOp.accumulates) return true;
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

bool isRounding(const PostOp& postOp) {
  return postOp.kind == PostOp::Kind::kEltwise && postOp.eltwise.function == Function::kRound;
}

/**
 * A chain's functions. oneDNN computes a second one of the same algorithm with the first one's numbers, so it
 * gets another name where there is one.
 */
class Chain {
 public:
  dnnl::post_ops ops;
  /** Cleared where a function could not be given another name. */
  bool expressible = true;

  void append(float output, algorithm function, float alpha, float beta) {
    Numbers numbers = {output, alpha, beta};
    if (!free(function, numbers) && function == algorithm::eltwise_clip)
      function = algorithm::eltwise_clip_v2;
    if (!free(function, numbers) && function == algorithm::eltwise_linear && beta == 0) {
      function = algorithm::eltwise_pow;
      numbers = {output, alpha, beta = 1};
    }
    if (!free(function, numbers)) expressible = false;
    given_.insert({function, numbers});
    ops.append_eltwise(output, function, alpha, beta);
  }

 private:
  using Numbers = std::array<float, 3>;

  bool free(algorithm function, const Numbers& numbers) const {
    auto found = given_.find(function);
    return found == given_.end() || found->second == numbers;
  }

  std::map<algorithm, Numbers> given_;
};

Eltwise scaled(Eltwise eltwise, float divisor) {
  if (eltwise.function == Function::kClip) eltwise.alpha = static_cast<float>(eltwise.alpha) / divisor;
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
      // A rounding's factor goes to the clip after it: two roundings in a chain must have the same numbers.
      bool clipsRounded = i > 0 && isRounding(postOps[i - 1]);
      if (clipsRounded || !commutesWithScaling(postOps[i])) lastReal = i;
    }
  }
  // Register values are real values / divisor.
  float divisor = lastReal == postOps.size() ? scaling.destination : 1.0f;
  // What is added to the accumulator comes before the scale, which then is a function of the chain.
  bool accumulates = !postOps.empty() && postOps[0].accumulates;
  size_t first = accumulates ? 1 : 0;
  bool leadingFactor =
      scaling.quantized && lastReal > first && postOps.size() > first && isFactor(postOps[first]);
  std::vector<float> scales(scaling.weights.size());
  for (size_t i = 0; i < scales.size(); ++i) {
    // In float32 and in this order, as onnxruntime: a result halfway between two levels then rounds alike.
    float scale = scaling.source * scaling.weights[i];
    scales[i] =
        leadingFactor ? static_cast<float>(scale * postOps[first].eltwise.alpha / divisor) : scale / divisor;
  }
  if (scaling.quantized) {
    if (!accumulates) result.attr.set_output_scales(scales.size() > 1 ? channelMask : 0, scales);
    if (scaling.sourceZeroPoint) result.attr.set_zero_points(DNNL_ARG_SRC, 0, {scaling.sourceZeroPoint});
    if (scaling.destinationZeroPoint)
      result.attr.set_zero_points(DNNL_ARG_DST, 0, {scaling.destinationZeroPoint});
  }

  Chain chain;
  bool absorbed = false;
  for (size_t i = 0; i < postOps.size(); ++i) {
    const PostOp& postOp = postOps[i];
    int argument = 0;
    bool divides = false;
    if (i == first && leadingFactor) {
      result.arguments.push_back(argument);
      continue;
    }
    if (postOp.kind == PostOp::Kind::kSum) {
      chain.ops.append_sum(postOp.scale / divisor, postOp.zeroPoint, dataTypeOf(postOp.type));
    } else if (postOp.kind == PostOp::Kind::kBinary) {
      argument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(chain.ops.len()) | DNNL_ARG_SRC_1;
      chain.ops.append_binary(nativeBinary(postOp.binary), postOp.source.desc());
      if (postOp.accumulates) {
        chain.append(1.0f, algorithm::eltwise_linear, scales[0], 0);
        chain.expressible = chain.expressible && scales.size() == 1;
      }
    } else {
      std::vector<Native> natives = nativeFunctions(scaled(postOp.eltwise, divisor));
      for (size_t j = 0; j < natives.size(); ++j) {
        bool last = j + 1 == natives.size();
        divides = i == lastReal && last;
        float output = divides ? 1.0f / scaling.destination : 1.0f;
        // What follows a division by the destination's scale is in its units, and so is the factor.
        if (last && i + 1 < postOps.size() && i + 1 != lastReal && isFactor(postOps[i + 1])) {
          output *= static_cast<float>(postOps[i + 1].eltwise.alpha);
          absorbed = true;
        }
        chain.append(output, natives[j].algorithm, natives[j].alpha, natives[j].beta);
      }
    }
    if (i == lastReal) {
      if (!divides) chain.append(1.0f, algorithm::eltwise_linear, 1.0f / scaling.destination, 0.0f);
      divisor = scaling.destination;
    }
    result.arguments.push_back(argument);
    if (absorbed) {
      absorbed = false;
      ++i;
      result.arguments.push_back(0);
    }
  }
  // oneDNN adds the zero point before it rounds, ONNX after it: halves would go the other way with odd ones.
  if (scaling.quantized && scaling.destinationZeroPoint) chain.append(1.0f, algorithm::eltwise_round, 0, 0);
  if (chain.ops.len() > 0) result.attr.set_post_ops(chain.ops);
  result.expressible = chain.expressible;
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
  float alpha = static_cast<float>(eltwise.alpha);
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
