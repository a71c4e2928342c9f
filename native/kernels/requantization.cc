#include "kernels/requantization.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/product.h"

namespace calibr8 {
namespace {

/** Requantized numbers beyond it saturate; far from the ends of int32, which they are converted to. */
constexpr float kSaturated = 1 << 30;

bool addClamp(const onednn::PostOp& postOp, const onednn::Scaling& scaling, Requantization& to) {
  if (postOp.kind != onednn::PostOp::Kind::kEltwise) return false;
  const onednn::Eltwise& eltwise = postOp.eltwise;
  auto stored = [&](float real) {
    float level = std::nearbyint(real / scaling.destination) + static_cast<float>(to.zeroPoint);
    return static_cast<int32_t>(std::clamp(level, static_cast<float>(to.low), static_cast<float>(to.high)));
  };
  if (eltwise.function == onednn::Function::kRelu && eltwise.alpha == 0) {
    to.low = stored(0);
    return true;
  }
  if (eltwise.function != onednn::Function::kClip || !(eltwise.alpha <= eltwise.beta)) return false;
  int32_t low = stored(eltwise.alpha);
  to.high = stored(eltwise.beta);
  to.low = low;
  return true;
}

bool isEltwise(const std::vector<onednn::PostOp>& list, size_t i, onednn::Function function) {
  return i < list.size() && list[i].kind == onednn::PostOp::Kind::kEltwise &&
         list[i].eltwise.function == function;
}

bool isFactor(const std::vector<onednn::PostOp>& list, size_t i) {
  return isEltwise(list, i, onednn::Function::kLinear) && list[i].eltwise.beta == 0;
}

/** The post-ops that add a residual, perhaps to what they rounded before. */
struct Sum {
  /** What the scales are multiplied by. */
  double factor = 1;
  std::optional<Requantization::Rounding> rounding;
  std::optional<Requantization::Residual> residual;
  /** Post-ops that it took. */
  size_t length = 0;
};

/** The same operations in the same order as oneDNN's chain (post_ops_v2.cc). */
Sum sumOf(const Product& product) {
  const std::vector<onednn::PostOp>& list = product.postOps.list;
  float destination = product.scaling.destination;
  Sum sum;
  size_t at = 0;
  bool rounds = isFactor(list, 0) && isEltwise(list, 1, onednn::Function::kRound) &&
                isEltwise(list, 2, onednn::Function::kClip) && isFactor(list, 3);
  if (rounds) at = 4;
  if (at >= list.size() || list[at].kind != onednn::PostOp::Kind::kSum) return sum;
  const onednn::PostOp& added = list[at];
  if (!isInt8(added.type) || added.zeroPoint != 0) return sum;
  if (rounds) {
    const onednn::Eltwise& clip = list[2].eltwise;
    sum.factor = list[0].eltwise.alpha;
    sum.rounding = {static_cast<float>(clip.alpha), clip.beta,
                    1.0f / destination * static_cast<float>(list[3].eltwise.alpha)};
  }
  sum.residual = {static_cast<size_t>(product.postOps.sources[at]), added.scale / destination,
                  added.type == DataType::kInt8};
  sum.length = at + 1;
  return sum;
}

/** The greatest magnitude that a residual, and what was rounded before it, may have in the result's units. */
float greatestOf(const Sum& sum) {
  float greatest = sum.residual ? 255 * std::abs(sum.residual->scale) : 0;
  if (sum.rounding) {
    float ends = std::max(std::abs(sum.rounding->low), std::abs(sum.rounding->high));
    greatest += ends * std::abs(sum.rounding->factor);
  }
  return greatest;
}

}  // namespace

std::string Requantization::key(const Product& product) const {
  std::string key;
  for (const std::vector<float>& numbers : {scales, onednn::biasFactors(product.scaling)})
    key.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float));
  return key;
}

std::optional<Requantization> requantizationOf(const Product& product, DataType type, float greatestSum) {
  const onednn::Scaling& scaling = product.scaling;
  Requantization to;
  to.zeroPoint = scaling.destinationZeroPoint;
  to.isSigned = type == DataType::kInt8;
  to.low = to.isSigned ? std::numeric_limits<int8_t>::min() : 0;
  to.high = to.isSigned ? std::numeric_limits<int8_t>::max() : std::numeric_limits<uint8_t>::max();
  Sum sum = sumOf(product);
  to.rounding = sum.rounding;
  to.residual = sum.residual;
  for (size_t i = sum.length; i < product.postOps.list.size(); ++i) {
    if (!addClamp(product.postOps.list[i], scaling, to)) return std::nullopt;
  }
  for (float weights : scaling.weights) {
    float scale = scaling.source * weights;
    to.scales.push_back(sum.rounding ? static_cast<float>(scale * sum.factor) : scale / scaling.destination);
    bool stays = to.scales.back() * greatestSum < kSaturated / 4 && greatestOf(sum) < kSaturated / 4;
    if (!stays) return std::nullopt;  // or what is no number
  }
  return to;
}

std::vector<float> biasOfSums(const Product& product, const Requantization& to, const uint8_t* bias,
                              DataType type, int64_t channels) {
  std::vector<float> factors = onednn::biasFactors(product.scaling);
  auto* real = reinterpret_cast<const float*>(bias);
  auto* counted = reinterpret_cast<const int32_t*>(bias);
  std::vector<float> result(static_cast<size_t>(channels));
  for (size_t i = 0; i < result.size(); ++i) {
    float inSums = type == DataType::kInt32 ? static_cast<float>(counted[i])
                                            : real[i] * factors[factors.size() > 1 ? i : 0];
    float limit = kSaturated / to.scale(i);
    result[i] = std::clamp(inSums, -limit, limit);
  }
  return result;
}

bool isWhole(float bias) { return std::abs(bias) < kExact && std::nearbyint(bias) == bias; }

bool mayUseVnni512() {
  onednn::LibraryInfo library = onednn::libraryInfo();
  return library.vnni && library.isa.rfind("avx512", 0) == 0;
}

}  // namespace calibr8
