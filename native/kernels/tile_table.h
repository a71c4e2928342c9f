#ifndef CALIBR8_KERNELS_TILE_TABLE_H_
#define CALIBR8_KERNELS_TILE_TABLE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/convolution_geometry.h"

namespace calibr8 {

/** Tiles in a row: each has as many neighboring pixels of results, which are computed at once. */
struct PixelTiles {
  int64_t tiles;
  /** Pixels of each. */
  int count;
  /** The first tile's first pixel, counted from the destination's begin. */
  int64_t first;
  /** Where the first tile's offsets start, in elements from the source's begin, and how far the next one's do
   * from there. */
  int64_t source, sourceStep;
  const int32_t* offsets;
  int64_t offsetsStep;
};

/**
 * Which pixels of results are computed at once, and where their windows are in a source with channels
 * innermost. Tiles are of nearly the same size, since a small one at the end would cost as much as a large
 * one.
 */
class TileTable {
 public:
  /** Nothing where offsets would not fit. Sizes as ONNX orders them, the window's without channels; `most`:
   * pixels of a tile. */
  static std::optional<TileTable> make(const Dims& source, const Dims& window, const Dims& destination,
                                       const ConvolutionGeometry& geometry, int most);

  int64_t tiles() const { return images_ * perImage_; }
  /** As many of the tiles from `begin` to `end` as are alike. */
  PixelTiles row(int64_t begin, int64_t end) const;
  /** Positions in the window. */
  int64_t taps() const { return taps_; }

 private:
  TileTable() = default;

  int64_t most_ = 0, taps_ = 0;
  int64_t images_ = 0, pixels_ = 0, perImage_ = 0;
  /** The first tiles of an image are a pixel larger. */
  int64_t size_ = 0, larger_ = 0;
  /** Elements of an image of the source, and between pixels. */
  int64_t image_ = 0, channels_ = 0;
  /** Windows are single pixels in the results' own order: one tile's offsets serve all. */
  bool straight_ = false;
  /** By tile of an image, by position in the window, by pixel; -1: outside of the image. */
  std::vector<int32_t> offsets_;
};

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_TILE_TABLE_H_
