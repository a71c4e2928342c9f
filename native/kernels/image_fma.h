#ifndef CALIBR8_KERNELS_IMAGE_FMA_H_
#define CALIBR8_KERNELS_IMAGE_FMA_H_

#include <cstdint>

namespace calibr8 {

/** Output channels of a register. */
constexpr int64_t kImageLanes = 16;
/** Output channels that are computed at once, at most. */
constexpr int64_t kImageBlock = 4 * kImageLanes;

/** A row of results for up to 64 output channels, from planes of an image. */
struct ImageRow {
  /** For each channel, for each row of the window: that row of the image, or zeros. */
  const float* const* source;
  /** Channels times rows of the window. */
  int64_t rows;
  int64_t kernel, stride, padLeft, inWidth;
  /** By row of `source`, by column of the window: a weight for each output channel, groups of 16 filled up.
   */
  const float* weights;
  const float* bias;
  float* destination;
  /** Elements between neighboring results. */
  int64_t pixel;
  int64_t width, channels;
  /** Results are clamped to them. */
  float low, high;
};

/** Whether this processor has what runImageRow() needs. */
bool hasImageFma();

void runImageRow(const ImageRow& row);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_IMAGE_FMA_H_
