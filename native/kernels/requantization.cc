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
  for (const onednn::PostOp& postOp : product.postOps.list) {
    if (!addClamp(postOp, scaling, to)) return std::nullopt;
  }
  for (float weights : scaling.weights) {
    to.scales.push_back(scaling.source * weights / scaling.destination);
    bool stays = to.scales.back() * greatestSum < kSaturated / 2;
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

bool mayUseVnni512() {
  onednn::LibraryInfo library = onednn::libraryInfo();
  return library.vnni && library.isa.rfind("avx512", 0) == 0;
}

}  // namespace calibr8
