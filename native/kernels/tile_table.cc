#include "kernels/tile_table.h"

#include <algorithm>
#include <limits>

#include "kernels/strided.h"

namespace calibr8 {
namespace {

Dims spatial(const Dims& dims) { return Dims(dims.begin() + 2, dims.end()); }

bool all(const Dims& dims, int64_t value) {
  return std::all_of(dims.begin(), dims.end(), [=](int64_t dim) { return dim == value; });
}

/** Where the window of the result at `pixel` reads at `tap`, in pixels from the image's begin, or -1. */
int64_t sourcePixel(const ConvolutionGeometry& geometry, const Dims& image, const Dims& pixel,
                    const Dims& tap) {
  int64_t index = 0;
  for (size_t i = 0; i < image.size(); ++i) {
    int64_t at = pixel[i] * geometry.strides[i] - geometry.padsBegin[i] + tap[i] * geometry.dilations[i];
    if (at < 0 || at >= image[i]) return -1;
    index = index * image[i] + at;
  }
  return index;
}

}  // namespace

std::optional<TileTable> TileTable::make(const Dims& x, const Dims& window, const Dims& destination,
                                         const ConvolutionGeometry& geometry, int most) {
  Dims image = spatial(x);
  Dims results = spatial(destination);
  TileTable table;
  table.most_ = most;
  table.taps_ = countOf(window);
  table.images_ = x[0];
  table.pixels_ = countOf(results);
  table.channels_ = x[1];
  table.image_ = countOf(image) * x[1];
  if (table.image_ > std::numeric_limits<int32_t>::max()) return std::nullopt;
  table.straight_ = table.taps_ == 1 && image == results && all(geometry.strides, 1) &&
                    all(geometry.padsBegin, 0) && all(geometry.padsEnd, 0);
  if (table.straight_) {
    // Nor do images matter then.
    table.pixels_ *= table.images_;
    table.images_ = 1;
    for (int64_t i = 0; i < most; ++i) table.offsets_.push_back(static_cast<int32_t>(i * x[1]));
  }
  table.perImage_ = (table.pixels_ + most - 1) / most;
  table.size_ = table.pixels_ / table.perImage_;
  table.larger_ = table.pixels_ % table.perImage_;
  if (table.straight_) return table;

  table.offsets_.assign(static_cast<size_t>(table.perImage_ * table.taps_ * most), -1);
  Odometer pixel(results);
  for (int64_t t = 0; t < table.perImage_; ++t) {
    int count = table.row(t, t + 1).count;
    for (int64_t i = 0; i < count; ++i, pixel.next()) {
      Odometer tap(window);
      for (int64_t k = 0; k < table.taps_; ++k, tap.next()) {
        int64_t from = sourcePixel(geometry, image, pixel.index(), tap.index());
        if (from >= 0)
          table.offsets_[static_cast<size_t>((t * table.taps_ + k) * most + i)] =
              static_cast<int32_t>(from * x[1]);
      }
    }
  }
  return table;
}

PixelTiles TileTable::row(int64_t begin, int64_t end) const {
  int64_t image = begin / perImage_;
  int64_t inImage = begin - image * perImage_;
  bool large = inImage < larger_;
  int64_t first = inImage * size_ + std::min(inImage, larger_);
  PixelTiles row{};
  row.tiles = std::min(end - begin, (large ? larger_ : perImage_) - inImage);
  row.count = static_cast<int>(size_ + (large ? 1 : 0));
  row.first = image * pixels_ + first;
  row.source = straight_ ? first * channels_ : image * image_;
  row.sourceStep = straight_ ? row.count * channels_ : 0;
  row.offsetsStep = straight_ ? 0 : taps_ * most_;
  row.offsets = offsets_.data() + inImage * row.offsetsStep;
  return row;
}

}  // namespace calibr8
