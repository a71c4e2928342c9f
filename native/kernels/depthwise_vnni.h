#ifndef CALIBR8_KERNELS_DEPTHWISE_VNNI_H_
#define CALIBR8_KERNELS_DEPTHWISE_VNNI_H_

#include <cstddef>
#include <cstdint>

namespace calibr8 {

// Depthwise 3x3 convolution of bytes with channels innermost. One VNNI instruction sums four products for
// each of 16 channels, so bytes of four rows of the image are interleaved: a column of them, made once,
// serves all windows it is in, across and (with strides of 1) down, where two rows of results share it.
// Where an image has few channels, a register holds several neighboring pixels of them.

/** Channels that a block has at most, and bytes of a register. */
constexpr int64_t kDepthwiseBlock = 64;
/** Of a block's weights: for each of 3 columns, the three taps of the upper and those of the lower row of
 * results. */
constexpr size_t kDepthwiseWeights = 3 * 2 * 4 * kDepthwiseBlock;
/** Of each number that a channel has: an int32 or a float. */
constexpr size_t kDepthwiseNumbers = 4 * kDepthwiseBlock;

/** Where byte c of a register has its four weights in bytes and its numbers: as the interleaving orders them.
 */
size_t depthwisePosition(int64_t c);

/** How accumulators become bytes: round(real(acc + start) x scale) + zeroPoint, saturated, then clamped. */
struct DepthwiseRequantization {
  int32_t zeroPoint = 0;
  bool isSigned = false;
  /** As stored; the type's whole range unless an activation narrows it. */
  int32_t low = 0;
  int32_t high = 255;
};

/** One or two rows of results of one image for one block of channels. */
struct DepthwiseRows {
  /** The rows of the image that the results need (3, or 4 for two rows), at this block's first channel. */
  const uint8_t* source[4];
  /** The second is null where one row of results is wanted. */
  uint8_t* destination[2];
  /** Bytes between neighboring pixels. */
  int64_t pixel;
  /** 1 or 2, in both directions. */
  int64_t stride;
  /** Neighboring pixels that a register holds: 1, or more where the stride is 1 and channels fill pixels. */
  int64_t pixels;
  int64_t inWidth, outWidth, padLeft;
  /** What stands outside of the image, as stored. */
  uint8_t outside;
  /** 0x80 where the image is signed: products want one unsigned factor. */
  uint8_t flip;
  int64_t channels;
  const uint8_t* weights;
  /** What sums start with: the zero point's and the flip's part, taken away. */
  const int32_t* start;
  const float* bias;
  /** Whether all biases are whole numbers that may be added to the sums as such. */
  bool wholeBias;
  const float* scale;
  DepthwiseRequantization to;
};

/** Whether this processor has what runDepthwise() needs. */
bool hasDepthwiseVnni();

void runDepthwise(const DepthwiseRows& rows);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_DEPTHWISE_VNNI_H_
