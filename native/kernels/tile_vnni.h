#ifndef CALIBR8_KERNELS_TILE_VNNI_H_
#define CALIBR8_KERNELS_TILE_VNNI_H_

#include <cstddef>
#include <cstdint>

namespace calibr8 {

// The innermost part of an INT8 convolution: a tile of a few pixels times up to 64 output channels, whose
// sums stay in registers over the whole window.

/** Pixels of a tile at most: with 64 channels, 24 of 32 registers hold sums. */
constexpr int kTilePixels = 6;
constexpr int64_t kTileLanes = 16;
constexpr int64_t kTileChannels = 4 * kTileLanes;
/** Input channels that one instruction multiplies. */
constexpr int64_t kTileDepth = 4;

/** Where channel c of a tile with so many channels has its number among the tile's numbers. */
size_t tilePosition(int64_t c, int64_t channels);

/** How sums become bytes; see Requantization. */
struct TileRequantization {
  int32_t zeroPoint;
  bool isSigned;
  int32_t low, high;
  bool rounds;
  float roundingLow, roundingHigh, roundingFactor;
  bool residualIsSigned;
  float residualScale;
};

/** Tiles in a row, of as many neighboring pixels each. */
struct VnniTiles {
  int64_t tiles;
  /** Up to kTilePixels and kTileChannels. */
  int pixels;
  int64_t channels;
  /** The first tile's, and bytes to the next one's. */
  const uint8_t* source;
  int64_t sourceStep;
  /**
   * For each position in the window, for each of kTilePixels pixels: bytes from `source`, negative: outside
   * of the image. The first tile's, and how many to the next one's.
   */
  const int32_t* offsets;
  int64_t offsetsStep;
  /** What is read outside: a pixel's worth. */
  const uint8_t* outside;
  /** Positions in the window, and groups of kTileDepth input channels. */
  int64_t taps, groups;
  /** Whether the source is signed: products want one unsigned factor. */
  bool flips;
  /** By position, by group: kTileDepth weights for each channel, as tilePosition() has them. */
  const int8_t* weights;
  /** What sums start with, what is added to them as real numbers, and their scales; as tilePosition() has
   * them. */
  const int32_t* start;
  const float* bias;
  const float* scale;
  /** Whether `bias` has anything but zeros. */
  bool biased;
  /** The first tile's first pixel's first channel. */
  uint8_t* destination;
  /** As the destination, or null. */
  const uint8_t* residual;
  /** Bytes between neighboring pixels of destination and residual. */
  int64_t pixel;
  const TileRequantization* to;
  /** Weights that will be wanted soon and may be far away, brought nearer on the way; or an empty range. */
  const int8_t* ahead;
  const int8_t* aheadEnd;
  /** So many tiles fetch nothing ahead: their own weights are still arriving. */
  int64_t arriving;
};

/** Whether this processor has what runTiles() needs. */
bool hasTileVnni();

void runTiles(const VnniTiles& tiles);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_TILE_VNNI_H_
