#include "kernels/average_pooling.h"

#include <algorithm>

#include "kernels/parallel.h"
#include "kernels/simd.h"

#if defined(__x86_64__)
// GCC's own header trips this warning (its _mm512_undefined_* are uninitialized on purpose).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#endif

namespace calibr8 {
namespace {

constexpr int64_t kBlock = 64;

template <typename T>
CALIBR8_INLINE void sumChannels(const T* source, const PoolingWindow& window, int64_t channels,
                                int32_t* sums) {
  for (int64_t d = 0; d < window.counts[0]; ++d) {
    for (int64_t h = 0; h < window.counts[1]; ++h) {
      const T* row = source + d * window.strides[0] + h * window.strides[1];
      for (int64_t w = 0; w < window.counts[2]; ++w) {
        const T* pixel = row + w * window.strides[2];
        for (int64_t c = 0; c < channels; ++c) sums[c] += pixel[c];
      }
    }
  }
}

CALIBR8_CLONES void sumUnsigned(const uint8_t* source, const PoolingWindow& window, int64_t channels,
                                int32_t* sums) {
  sumChannels(source, window, channels, sums);
}

CALIBR8_CLONES void sumSigned(const int8_t* source, const PoolingWindow& window, int64_t channels,
                              int32_t* sums) {
  sumChannels(source, window, channels, sums);
}

#if defined(__x86_64__)

/** 64 channels in four registers: left to itself the compiler keeps such sums in memory. */
template <bool isSigned>
__attribute__((target("avx512f"))) void sumBlock(const uint8_t* source, const PoolingWindow& window,
                                                 int32_t* sums) {
  __m512i local[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                      _mm512_setzero_si512()};
  for (int64_t d = 0; d < window.counts[0]; ++d) {
    for (int64_t h = 0; h < window.counts[1]; ++h) {
      const uint8_t* pixel = source + d * window.strides[0] + h * window.strides[1];
      for (int64_t w = 0; w < window.counts[2]; ++w, pixel += window.strides[2]) {
        for (int i = 0; i < 4; ++i) {
          __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(pixel + 16 * i));
          local[i] = _mm512_add_epi32(local[i],
                                      isSigned ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes));
        }
      }
    }
  }
  for (int i = 0; i < 4; ++i) _mm512_storeu_si512(sums + 16 * i, local[i]);
}

#endif

void sumWindow(const uint8_t* source, bool isSigned, const PoolingWindow& window, int64_t channels,
               int32_t* sums) {
#if defined(__x86_64__)
  if (channels == kBlock && __builtin_cpu_supports("avx512f")) {
    return isSigned ? sumBlock<true>(source, window, sums) : sumBlock<false>(source, window, sums);
  }
#endif
  if (isSigned) return sumSigned(reinterpret_cast<const int8_t*>(source), window, channels, sums);
  sumUnsigned(source, window, channels, sums);
}

}  // namespace

void AveragePooling::run(const PoolingWindows& windows, const void* source, void* destination) const {
  int64_t blocks = (channels + kBlock - 1) / kBlock;
  int64_t elementBytes = static_cast<int64_t>(sizeOf(to));
  size_t work = static_cast<size_t>(kernel[0] * kernel[1] * kernel[2] * kBlock);
  size_t grain = std::max<size_t>(1, 16384 / work);
  parallelFor(static_cast<size_t>(batch * pixels() * blocks), grain, [&](size_t begin, size_t end) {
    int64_t last = static_cast<int64_t>(end);
    for (int64_t i = static_cast<int64_t>(begin); i < last;) {
      // One pixel, and as many of its blocks of channels as belong to this piece.
      int64_t block = i % blocks;
      int64_t stop = std::min(blocks, block + last - i);
      int64_t pixel = i / blocks % pixels();
      int64_t image = i / blocks / pixels();
      i += stop - block;
      PoolingWindow window = windows.at(pixel / (out[1] * out[2]), pixel / out[2] % out[1], pixel % out[2]);
      int64_t origin = image * imagePixels() * channels + window.origin;
      int64_t target = (image * pixels() + pixel) * channels;
      int64_t seen = window.taps();
      int64_t divisor = includePadding ? kernel[0] * kernel[1] * kernel[2] : std::max<int64_t>(seen, 1);
      // The sum's zero point is that of each element it has.
      ConversionNumbers mean = numbers;
      mean.fromZero = static_cast<int32_t>(seen) * numbers.fromZero;
      mean.fromScale = numbers.fromScale / static_cast<float>(divisor);
      for (; block < stop; ++block) {
        int64_t first = block * kBlock;
        int64_t count = std::min(kBlock, channels - first);
        alignas(64) int32_t sums[kBlock] = {};
        sumWindow(static_cast<const uint8_t*>(source) + origin + first, from == DataType::kInt8, window,
                  count, sums);
        convertLinear(sums, DataType::kInt32,
                      static_cast<uint8_t*>(destination) + (target + first) * elementBytes, to,
                      static_cast<size_t>(count), mean);
      }
    }
  });
}

}  // namespace calibr8
