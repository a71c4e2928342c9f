#ifndef CALIBR8_KERNELS_DEPTHWISE_FMA_H_
#define CALIBR8_KERNELS_DEPTHWISE_FMA_H_

#include <cstdint>

namespace calibr8 {

/** Channels that a register holds. */
constexpr int64_t kDepthwiseLanes = 16;

/** One or two rows of results of one image for some channels: a depthwise 3x3 convolution with channels
 * innermost. */
struct DepthwiseFloatRows {
  /** The rows of the image that the results need (3, or 4 for two rows), at the first channel. */
  const float* source[4];
  float* destination[2];
  int64_t rows;
  /** Elements between neighboring pixels. */
  int64_t pixel;
  int64_t inWidth, outWidth, padLeft;
  int64_t channels;
  /** For every 16 channels: tap by tap, 16 numbers each. */
  const float* weights;
  const float* bias;
  /** 16 zeros: a pixel outside of the image. */
  const float* outside;
  /** Results are clamped to them. */
  float low, high;
};

/** Whether this processor has what runDepthwise() needs. */
bool hasDepthwiseFma();

/** `stride` is 1 or 2, in both directions; two rows only with 1. */
void runDepthwise(const DepthwiseFloatRows& rows, int64_t stride);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_DEPTHWISE_FMA_H_
