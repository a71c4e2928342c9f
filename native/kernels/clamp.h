#ifndef CALIBR8_KERNELS_CLAMP_H_
#define CALIBR8_KERNELS_CLAMP_H_

#include <limits>
#include <optional>

#include "kernels/post_ops.h"

namespace calibr8 {

struct Clamp {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

/** Post-ops on float32 that are one clamp, or none; nothing where they are more. */
inline std::optional<Clamp> clampOf(const PostOps& postOps) {
  if (postOps.list.empty()) return Clamp{};
  const onednn::PostOp& postOp = postOps.list[0];
  if (postOps.list.size() > 1 || postOp.kind != onednn::PostOp::Kind::kEltwise) return std::nullopt;
  const onednn::Eltwise& eltwise = postOp.eltwise;
  bool relu = eltwise.function == onednn::Function::kRelu && eltwise.alpha == 0;
  if (relu) return Clamp{0, std::numeric_limits<float>::infinity()};
  if (eltwise.function != onednn::Function::kClip || !(eltwise.alpha <= eltwise.beta)) return std::nullopt;
  return Clamp{static_cast<float>(eltwise.alpha), static_cast<float>(eltwise.beta)};
}

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_CLAMP_H_
