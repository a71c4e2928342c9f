#include "kernels/max_pooling.h"

#include <algorithm>
#include <limits>

#include "kernels/parallel.h"
#include "kernels/simd.h"

#if defined(__x86_64__)
// GCC's own header trips this warning (its _mm512_undefined_* are uninitialized on purpose).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#endif

namespace calibr8 {
namespace {

template <typename Visit>
CALIBR8_INLINE void forEachTap(const PoolingWindow& window, const Visit& visit) {
  for (int64_t d = 0; d < window.counts[0]; ++d) {
    for (int64_t h = 0; h < window.counts[1]; ++h) {
      int64_t tap = window.origin + d * window.strides[0] + h * window.strides[1];
      for (int64_t w = 0; w < window.counts[2]; ++w, tap += window.strides[2]) visit(tap);
    }
  }
}

template <typename T>
CALIBR8_INLINE void greatest(const T* image, const PoolingWindow& window, int64_t channels, T* to) {
  std::fill(to, to + channels, std::numeric_limits<T>::min());
  forEachTap(window, [&](int64_t tap) CALIBR8_INLINE_LAMBDA {
    for (int64_t c = 0; c < channels; ++c) to[c] = std::max(to[c], image[tap + c]);
  });
}

CALIBR8_CLONES void greatestUnsigned(const uint8_t* image, const PoolingWindow& window, int64_t channels,
                                     uint8_t* to) {
  greatest(image, window, channels, to);
}

CALIBR8_CLONES void greatestSigned(const uint8_t* image, const PoolingWindow& window, int64_t channels,
                                   uint8_t* to) {
  greatest(reinterpret_cast<const int8_t*>(image), window, channels, reinterpret_cast<int8_t*>(to));
}

#if defined(__x86_64__)

/** 64 channels in a register, which the loops above keep in memory. */
template <bool isSigned>
__attribute__((target("avx512bw"))) void greatestBlocks(const uint8_t* image, const PoolingWindow& window,
                                                        int64_t channels, uint8_t* to) {
  for (int64_t first = 0; first < channels; first += 64) {
    __mmask64 mask = ~__mmask64{0} >> (64 - std::min<int64_t>(64, channels - first));
    __m512i most = isSigned ? _mm512_set1_epi8(-128) : _mm512_setzero_si512();
    // Not by the lambda above: it would not have this function's instruction set.
    for (int64_t d = 0; d < window.counts[0]; ++d) {
      for (int64_t h = 0; h < window.counts[1]; ++h) {
        const uint8_t* pixel = image + window.origin + first + d * window.strides[0] + h * window.strides[1];
        for (int64_t w = 0; w < window.counts[2]; ++w, pixel += window.strides[2]) {
          __m512i bytes = _mm512_maskz_loadu_epi8(mask, pixel);
          most = isSigned ? _mm512_max_epi8(most, bytes) : _mm512_max_epu8(most, bytes);
        }
      }
    }
    _mm512_mask_storeu_epi8(to + first, mask, most);
  }
}

#endif

using Pixel = void (*)(const uint8_t* image, const PoolingWindow& window, int64_t channels, uint8_t* to);

Pixel pixelOf(DataType type) {
  bool isSigned = type == DataType::kInt8;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bw")) return isSigned ? greatestBlocks<true> : greatestBlocks<false>;
#endif
  return isSigned ? greatestSigned : greatestUnsigned;
}

}  // namespace

void MaxPooling::run(const void* source, void* destination) const {
  Pixel greatestOf = pixelOf(type_);
  const auto& out = shape_.out;
  int64_t channels = shape_.channels;
  size_t work =
      static_cast<size_t>(shape_.kernel[0] * shape_.kernel[1] * shape_.kernel[2] * out[2] * channels);
  size_t grain = std::max<size_t>(1, 65536 / std::max<size_t>(1, work));
  parallelFor(static_cast<size_t>(shape_.batch * out[0] * out[1]), grain, [&](size_t begin, size_t end) {
    for (int64_t line = static_cast<int64_t>(begin); line < static_cast<int64_t>(end); ++line) {
      int64_t depth = line / out[1] % out[0];
      int64_t image = line / (out[0] * out[1]) * shape_.imagePixels() * channels;
      auto* to = static_cast<uint8_t*>(destination) + line * out[2] * channels;
      for (int64_t column = 0; column < out[2]; ++column, to += channels) {
        greatestOf(static_cast<const uint8_t*>(source) + image, windows_.at(depth, line % out[1], column),
                   channels, to);
      }
    }
  });
}

}  // namespace calibr8
