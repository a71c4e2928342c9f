#ifndef CALIBR8_KERNELS_TILE_WEIGHTS_H_
#define CALIBR8_KERNELS_TILE_WEIGHTS_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/product.h"
#include "kernels/requantization.h"
#include "kernels/tile_source.h"
#include "kernels/tile_vnni.h"

namespace calibr8 {

/** The weights of an INT8 convolution in tiles, packed by blocks of kTileChannels output channels. */
struct TileShape {
  /** Bytes of a position in the window, output channels, and positions. */
  int64_t in, out, taps;

  int64_t groups() const { return in / kTileDepth; }
  int64_t blocks() const { return (out + kTileChannels - 1) / kTileChannels; }
  int64_t channelsOf(int64_t block) const { return std::min(kTileChannels, out - block * kTileChannels); }
  /** Of a block with all its channels. */
  int64_t blockBytes() const { return taps * in * kTileChannels; }
  int64_t weightsBytes() const { return blocks() * blockBytes(); }
  int64_t packedBytes() const { return weightsBytes() + numbers() * 4 + static_cast<int64_t>(kAlignment); }
  int64_t numbers() const { return blocks() * kTileChannels; }
  /** Where a channel's numbers are among all. */
  int64_t numberOf(int64_t channel) const;
};

/** A block's packed weights, what its sums start with, and the greatest magnitude that a sum of any block
 * has. */
struct TileWeights {
  const int8_t* weights;
  const int32_t* start;
  float greatest;

  TileWeights(const void* packed, const TileShape& shape, int64_t block);
};

Operand readTileWeights(StepBuilder& builder, const TileShape& shape, const TileSource& source,
                        int32_t zeroPoint);
Operand readTileBias(StepBuilder& builder, const TileShape& shape, const Product& product,
                     const Requantization& to);

/** A block's biases, and whether all of them are whole. */
struct TileBias {
  const float* bias;
  bool isWhole;

  TileBias(const void* packed, const TileShape& shape, int64_t block);

  /**
   * Adds them to what sums start with. False, with nothing done, where the sums, up to `greatest` without
   * them, would not be rounded to the same float32.
   */
  bool addTo(int32_t* start, float greatest) const;
};

/** One number for each channel, in the order of numberOf(); `from` holds one or as many. */
std::shared_ptr<const Buffer> tileNumbers(const std::vector<float>& from, const TileShape& shape);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_TILE_WEIGHTS_H_
