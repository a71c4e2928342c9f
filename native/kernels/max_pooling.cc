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

template <typename T>
CALIBR8_INLINE void greatest(const T* image, const PoolingLine& line, int64_t channels, T* to) {
  for (const PoolingTaps& taps : line.columns) {
    std::fill(to, to + channels, std::numeric_limits<T>::min());
    for (int64_t d = 0; d < line.counts[0]; ++d) {
      for (int64_t h = 0; h < line.counts[1]; ++h) {
        const T* pixel =
            image + line.origin + taps.start * channels + d * line.strides[0] + h * line.strides[1];
        for (int64_t w = 0; w < taps.count; ++w, pixel += line.strides[2]) {
          for (int64_t c = 0; c < channels; ++c) to[c] = std::max(to[c], pixel[c]);
        }
      }
    }
    to += channels;
  }
}

CALIBR8_CLONES void greatestUnsigned(const uint8_t* image, const PoolingLine& line, int64_t channels,
                                     uint8_t* to) {
  greatest(image, line, channels, to);
}

CALIBR8_CLONES void greatestSigned(const uint8_t* image, const PoolingLine& line, int64_t channels,
                                   uint8_t* to) {
  greatest(reinterpret_cast<const int8_t*>(image), line, channels, reinterpret_cast<int8_t*>(to));
}

#if defined(__x86_64__)

/** 64 channels in a register, which the loops above keep in memory. */
template <bool isSigned>
__attribute__((target("avx512bw"))) void greatestBlocks(const uint8_t* image, const PoolingLine& line,
                                                        int64_t channels, uint8_t* to) {
  for (int64_t first = 0; first < channels; first += 64) {
    __mmask64 mask = ~__mmask64{0} >> (64 - std::min<int64_t>(64, channels - first));
    const uint8_t* block = image + line.origin + first;
    uint8_t* target = to + first;
    for (const PoolingTaps& taps : line.columns) {
      __m512i most = isSigned ? _mm512_set1_epi8(-128) : _mm512_setzero_si512();
      for (int64_t d = 0; d < line.counts[0]; ++d) {
        const uint8_t* row = block + taps.start * channels + d * line.strides[0];
        for (int64_t h = 0; h < line.counts[1]; ++h, row += line.strides[1]) {
          const uint8_t* pixel = row;
          for (int64_t w = 0; w < taps.count; ++w, pixel += line.strides[2]) {
            __m512i bytes = _mm512_maskz_loadu_epi8(mask, pixel);
            most = isSigned ? _mm512_max_epi8(most, bytes) : _mm512_max_epu8(most, bytes);
          }
        }
      }
      _mm512_mask_storeu_epi8(target, mask, most);
      target += channels;
    }
  }
}

#endif

/** Fills a line of the output. */
using Line = void (*)(const uint8_t* image, const PoolingLine& line, int64_t channels, uint8_t* to);

Line lineOf(DataType type) {
  bool isSigned = type == DataType::kInt8;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bw")) return isSigned ? greatestBlocks<true> : greatestBlocks<false>;
#endif
  return isSigned ? greatestSigned : greatestUnsigned;
}

}  // namespace

void MaxPooling::run(const void* source, void* destination) const {
  Line greatestOf = lineOf(type_);
  const auto& out = shape_.out;
  int64_t channels = shape_.channels;
  size_t work =
      static_cast<size_t>(shape_.kernel[0] * shape_.kernel[1] * shape_.kernel[2] * out[2] * channels);
  size_t grain = std::max<size_t>(1, 65536 / std::max<size_t>(1, work));
  parallelFor(static_cast<size_t>(shape_.batch * out[0] * out[1]), grain, [&](size_t begin, size_t end) {
    for (int64_t line = static_cast<int64_t>(begin); line < static_cast<int64_t>(end); ++line) {
      int64_t image = line / (out[0] * out[1]) * shape_.imagePixels() * channels;
      greatestOf(static_cast<const uint8_t*>(source) + image,
                 windows_.line(line / out[1] % out[0], line % out[1]), channels,
                 static_cast<uint8_t*>(destination) + line * out[2] * channels);
    }
  });
}

}  // namespace calibr8
