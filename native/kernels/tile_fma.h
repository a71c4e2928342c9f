#ifndef CALIBR8_KERNELS_TILE_FMA_H_
#define CALIBR8_KERNELS_TILE_FMA_H_

#include <cstdint>

namespace calibr8 {

/** Pixels of a tile at most, and its output channels: 24 of 32 registers hold sums. */
constexpr int kFmaPixels = 6;
constexpr int64_t kFmaChannels = 64;

/** A few pixels times 64 output channels, over some of the input channels at one position of the window. */
struct FmaTile {
  int pixels;
  /** For each pixel the first of the input channels; and how many. */
  const float* rows[kFmaPixels];
  int64_t depth;
  /** By input channel: a weight for each output channel. */
  const float* weights;
  /** What sums start with, or null: what the destination holds. */
  const float* start;
  /** Added to `start`, in the destination's order; or null. */
  const float* residual;
  float* destination;
  /** Elements between neighboring pixels of destination and residual. */
  int64_t pixel;
  /** Sums are clamped to them. */
  float low, high;
  /** Weights that will be wanted soon and are far away, brought nearer on the way: a line for every two input
   * channels. */
  const float* ahead;
  /** Whether they are. */
  bool fetches;
};

/** Whether this processor has what runFmaTile() needs. */
bool hasTileFma();

void runFmaTile(const FmaTile& tile);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_TILE_FMA_H_
