#ifndef CALIBR8_KERNELS_TILE_SOURCE_H_
#define CALIBR8_KERNELS_TILE_SOURCE_H_

#include <cstdint>
#include <optional>

#include "kernels/convolution_geometry.h"
#include "program/step_view.h"

namespace calibr8 {

/**
 * What the tiles of an INT8 convolution read, bytes with channels innermost. Images, of fewer channels than
 * one instruction multiplies, are read by rows: with the borders that padding asks for written out, a row of
 * the window is one run of bytes, and as good as a position with as many channels.
 */
struct TileSource {
  /** Of what is read: [N, channels, height, width], with rows the channels of a pixel and the borders. */
  Dims dims;
  Dims window;
  ConvolutionGeometry geometry;
  /** Bytes that each position in the window has, a multiple of kTileDepth. */
  int64_t depth = 0;
  /** Of the image and of the window's rows, where it is read so; 0 otherwise. */
  int64_t channels = 0;
  int64_t columns = 0;

  /** Nothing where tiles cannot read this convolution's source. */
  static std::optional<TileSource> of(const StepView& step, const ConvolutionGeometry& geometry);

  bool byRows() const { return channels > 0; }
  int64_t taps() const { return countOf(window); }
  /** Weights of a filter. */
  int64_t filterElements() const { return (byRows() ? channels * columns : depth) * taps(); }
  /** Which of a filter's weights, in ONNX's order, meets this byte of a position; -1: none. */
  int64_t weightOf(int64_t tap, int64_t byte) const;
  /** With borders, of a line and of all images; where it is read by rows. */
  int64_t lineBytes() const { return dims[3] * channels; }
  int64_t bytes() const;
};

/** An image's borders, written anew for each run: other steps use the same memory. */
struct Borders {
  int64_t images, lines, lineBytes;
  int64_t above, left;
  /** With borders. */
  int64_t allLines, allBytes;
  uint8_t value;

  void copy(const uint8_t* from, uint8_t* to) const;
};

Borders bordersOf(const StepView& step, const ConvolutionGeometry& geometry, const TileSource& source,
                  uint8_t value);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_TILE_SOURCE_H_
