#include "kernels/average_pooling.h"

#include <algorithm>

#include "kernels/parallel.h"
#include "kernels/simd.h"

namespace calibr8 {
namespace {

constexpr int64_t kBlock = 64;

template <typename T>
CALIBR8_INLINE void addRow(const T* source, int64_t stride, int64_t pixels, int64_t channels, int32_t* sums) {
  if (channels == kBlock) {
    // A constant count keeps the sums in registers.
    int32_t local[kBlock];
    for (int64_t c = 0; c < kBlock; ++c) local[c] = sums[c];
    for (int64_t p = 0; p < pixels; ++p) {
      for (int64_t c = 0; c < kBlock; ++c) local[c] += source[p * stride + c];
    }
    for (int64_t c = 0; c < kBlock; ++c) sums[c] = local[c];
    return;
  }
  for (int64_t p = 0; p < pixels; ++p) {
    for (int64_t c = 0; c < channels; ++c) sums[c] += source[p * stride + c];
  }
}

CALIBR8_CLONES void addUnsigned(const uint8_t* source, int64_t stride, int64_t pixels, int64_t channels,
                                int32_t* sums) {
  addRow(source, stride, pixels, channels, sums);
}

CALIBR8_CLONES void addSigned(const int8_t* source, int64_t stride, int64_t pixels, int64_t channels,
                              int32_t* sums) {
  addRow(source, stride, pixels, channels, sums);
}

/** The taps of a window that are inside the source along one axis. */
struct Taps {
  int64_t first, count, start;
};

Taps tapsOf(const AveragePooling& pooling, int axis, int64_t position) {
  int64_t begin = position * pooling.strides[axis] - pooling.pads[axis];
  int64_t step = pooling.dilations[axis];
  int64_t first = begin < 0 ? (-begin + step - 1) / step : 0;
  int64_t last = pooling.kernel[axis];
  int64_t inside = pooling.in[axis] - begin;
  if (inside <= 0) return {0, 0, 0};
  last = std::min(last, (inside + step - 1) / step);
  return {first, std::max<int64_t>(0, last - first), begin + first * step};
}

}  // namespace

void AveragePooling::run(const void* source, void* destination) const {
  int64_t blocks = (channels + kBlock - 1) / kBlock;
  int64_t pixels = out[0] * out[1] * out[2];
  int64_t imagePixels = in[0] * in[1] * in[2];
  size_t work = static_cast<size_t>(kernel[0] * kernel[1] * kernel[2] * kBlock);
  size_t grain = std::max<size_t>(1, 16384 / work);
  parallelFor(static_cast<size_t>(batch * pixels * blocks), grain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      int64_t block = static_cast<int64_t>(i) % blocks;
      int64_t pixel = static_cast<int64_t>(i) / blocks % pixels;
      int64_t image = static_cast<int64_t>(i) / blocks / pixels;
      Taps taps[3] = {tapsOf(*this, 0, pixel / (out[1] * out[2])), tapsOf(*this, 1, pixel / out[2] % out[1]),
                      tapsOf(*this, 2, pixel % out[2])};
      int64_t first = block * kBlock;
      int64_t count = std::min(kBlock, channels - first);
      alignas(64) int32_t sums[kBlock] = {};
      for (int64_t d = 0; d < taps[0].count; ++d) {
        for (int64_t h = 0; h < taps[1].count; ++h) {
          int64_t row = (taps[0].start + d * dilations[0]) * in[1] + taps[1].start + h * dilations[1];
          int64_t offset = (image * imagePixels + row * in[2] + taps[2].start) * channels + first;
          int64_t step = channels * dilations[2];
          if (from == DataType::kUint8) {
            addUnsigned(static_cast<const uint8_t*>(source) + offset, step, taps[2].count, count, sums);
          } else {
            addSigned(static_cast<const int8_t*>(source) + offset, step, taps[2].count, count, sums);
          }
        }
      }
      int64_t seen = taps[0].count * taps[1].count * taps[2].count;
      int64_t divisor = includePadding ? kernel[0] * kernel[1] * kernel[2] : std::max<int64_t>(seen, 1);
      for (int64_t c = 0; c < count; ++c) sums[c] -= static_cast<int32_t>(seen * numbers.fromZero);
      ConversionNumbers mean = numbers;
      mean.fromZero = 0;
      mean.fromScale = numbers.fromScale / static_cast<float>(divisor);
      auto* target = static_cast<uint8_t*>(destination) +
                     static_cast<size_t>((image * pixels + pixel) * channels + first) * sizeOf(to);
      convertLinear(sums, DataType::kInt32, target, to, static_cast<size_t>(count), mean);
    }
  });
}

}  // namespace calibr8
