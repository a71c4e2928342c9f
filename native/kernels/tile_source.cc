#include "kernels/tile_source.h"

#include <algorithm>
#include <cstring>

#include "kernels/parallel.h"
#include "kernels/tile_vnni.h"

namespace calibr8 {
namespace {

constexpr size_t kLines = 32;

int64_t roundUp(int64_t bytes) { return (bytes + kTileDepth - 1) / kTileDepth * kTileDepth; }

}  // namespace

std::optional<TileSource> TileSource::of(const StepView& step, const ConvolutionGeometry& geometry) {
  const Dims& dims = step.source(0).dims;
  const Dims& weights = step.source(1).dims;
  if (geometry.groups != 1) return std::nullopt;
  TileSource source;
  source.dims = dims;
  source.window = Dims(weights.begin() + 2, weights.end());
  source.geometry = geometry;
  if (dims[1] % kTileDepth == 0) {
    source.depth = dims[1];
    return source;
  }
  if (dims.size() != 4 || dims[1] > kTileDepth || geometry.dilations[1] != 1) return std::nullopt;
  source.channels = dims[1];
  source.columns = source.window[1];
  source.depth = roundUp(source.channels * source.columns);
  for (size_t i = 0; i < 2; ++i) source.dims[i + 2] += geometry.padsBegin[i] + geometry.padsEnd[i];
  source.window[1] = 1;
  source.geometry.padsBegin = source.geometry.padsEnd = {0, 0};
  return source;
}

int64_t TileSource::weightOf(int64_t tap, int64_t byte) const {
  if (!byRows()) return byte * taps() + tap;
  int64_t column = byte / channels;
  if (column >= columns) return -1;
  return (byte % channels * taps() + tap) * columns + column;
}

int64_t TileSource::bytes() const {
  // The last position may be read past its row.
  return dims[0] * dims[2] * lineBytes() + kTileDepth;
}

Borders bordersOf(const StepView& step, const ConvolutionGeometry& geometry, const TileSource& source,
                  uint8_t value) {
  const Dims& dims = step.source(0).dims;
  return {dims[0],
          dims[2],
          dims[3] * dims[1],
          geometry.padsBegin[0],
          geometry.padsBegin[1] * dims[1],
          source.dims[2],
          source.lineBytes(),
          value};
}

void Borders::copy(const uint8_t* from, uint8_t* to) const {
  parallelFor(static_cast<size_t>(images * allLines), kLines, [&](size_t begin, size_t end) {
    for (auto i = static_cast<int64_t>(begin); i < static_cast<int64_t>(end); ++i) {
      uint8_t* line = to + i * allBytes;
      int64_t own = i % allLines - above;
      if (own < 0 || own >= lines) {
        std::memset(line, value, static_cast<size_t>(allBytes));
        continue;
      }
      std::memset(line, value, static_cast<size_t>(left));
      std::memcpy(line + left, from + (i / allLines * lines + own) * lineBytes,
                  static_cast<size_t>(lineBytes));
      std::memset(line + left + lineBytes, value, static_cast<size_t>(allBytes - left - lineBytes));
    }
  });
}

}  // namespace calibr8
