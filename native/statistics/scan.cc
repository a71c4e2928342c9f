#include "statistics/scan.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/simd.h"

#if defined(__x86_64__)
// GCC's own header trips this warning (its _mm512_undefined_* are uninitialized on purpose).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#endif

namespace calibr8 {
namespace {

constexpr size_t kLanes = 16;
constexpr size_t kBlock = 2048;

struct Accumulators {
  float min[kLanes];
  float max[kLanes];
  double sum[kLanes];
  double squares[kLanes];
  int32_t nonFinite[kLanes];
};

// Plain loops over fixed lanes: each clone vectorizes them as wide as it can with the same result.
CALIBR8_CLONES void accumulate(const float* data, size_t groups, Accumulators& out) {
  Accumulators local = out;
  for (size_t group = 0; group < groups; ++group) {
    const float* x = data + group * kLanes;
    for (size_t i = 0; i < kLanes; ++i) {
      constexpr float kInfinity = std::numeric_limits<float>::infinity();
      bool finite = std::fabs(x[i]) < kInfinity;
      float low = finite ? x[i] : kInfinity;
      float high = finite ? x[i] : -kInfinity;
      local.min[i] = low < local.min[i] ? low : local.min[i];
      local.max[i] = high > local.max[i] ? high : local.max[i];
      local.nonFinite[i] += finite ? 0 : 1;
      double value = finite ? x[i] : 0.0f;
      local.sum[i] += value;
      local.squares[i] += value * value;
    }
  }
  out = local;
}

CALIBR8_INLINE uint32_t slotOf(float x, float scale) {
  uint32_t bin = static_cast<uint32_t>(static_cast<int32_t>(std::fabs(x) * scale));
  return bin + (x < 0 ? static_cast<uint32_t>(kBins) : 0u);
}

size_t histogramPortable(const float* data, size_t count, float scale, uint32_t* slots) {
  size_t counted = 0;
  for (size_t i = 0; i < count; ++i) {
    float magnitude = std::fabs(data[i]);
    if (magnitude > 0 && magnitude < std::numeric_limits<float>::infinity()) {
      ++slots[slotOf(data[i], scale)];
      ++counted;
    }
  }
  return counted;
}

#if defined(__x86_64__)

/** Slots of the elements that count, packed to the front of `out`; returns how many. `count` is a multiple
 * of 16. */
__attribute__((target("avx512f,popcnt"))) size_t packBins(const float* data, size_t count, float scale,
                                                          uint32_t* out) {
  const __m512 factor = _mm512_set1_ps(scale);
  const __m512 infinity = _mm512_set1_ps(std::numeric_limits<float>::infinity());
  const __m512 zero = _mm512_setzero_ps();
  const __m512i negativeSide = _mm512_set1_epi32(static_cast<int>(kBins));
  size_t packed = 0;
  for (size_t i = 0; i < count; i += 16) {
    __m512 x = _mm512_loadu_ps(data + i);
    __m512 magnitude = _mm512_abs_ps(x);
    __mmask16 counts = _mm512_cmp_ps_mask(magnitude, zero, _CMP_GT_OQ);
    counts = _mm512_mask_cmp_ps_mask(counts, magnitude, infinity, _CMP_LT_OQ);
    __m512i slot = _mm512_cvttps_epi32(_mm512_mul_ps(magnitude, factor));
    __mmask16 negative = _mm512_cmp_ps_mask(x, zero, _CMP_LT_OQ);
    slot = _mm512_mask_add_epi32(slot, negative, slot, negativeSide);
    // Compressing in a register: compressing to memory is microcode on some processors.
    _mm512_storeu_si512(out + packed, _mm512_maskz_compress_epi32(counts, slot));
    packed += static_cast<size_t>(_mm_popcnt_u32(counts));
  }
  return packed;
}

size_t histogramPacked(const float* data, size_t count, float scale, uint32_t* slots) {
  alignas(64) uint32_t packed[kBlock + 16];
  size_t counted = 0;
  for (size_t begin = 0; begin < count; begin += kBlock) {
    size_t size = std::min(kBlock, count - begin);
    size_t whole = size / 16 * 16;
    size_t found = packBins(data + begin, whole, scale, packed);
    for (size_t i = 0; i < found; ++i) ++slots[packed[i]];
    counted += found + histogramPortable(data + begin + whole, size - whole, scale, slots);
  }
  return counted;
}

#endif

}  // namespace

Moments scanMoments(const float* data, size_t count) {
  Accumulators lanes;
  for (size_t i = 0; i < kLanes; ++i) {
    lanes.min[i] = std::numeric_limits<float>::infinity();
    lanes.max[i] = -lanes.min[i];
    lanes.sum[i] = lanes.squares[i] = 0;
    lanes.nonFinite[i] = 0;
  }
  size_t groups = count / kLanes;
  accumulate(data, groups, lanes);
  size_t rest = count - groups * kLanes;
  if (rest > 0) {
    // NaN fills the last group up and is taken off the count again.
    float tail[kLanes];
    std::fill(tail, tail + kLanes, std::numeric_limits<float>::quiet_NaN());
    std::memcpy(tail, data + groups * kLanes, rest * sizeof(float));
    accumulate(tail, 1, lanes);
  }
  Moments moments;
  for (size_t i = 0; i < kLanes; ++i) {
    moments.min = std::min(moments.min, lanes.min[i]);
    moments.max = std::max(moments.max, lanes.max[i]);
    moments.sum += lanes.sum[i];
    moments.sumOfSquares += lanes.squares[i];
    moments.nonFinite += static_cast<uint64_t>(lanes.nonFinite[i]);
  }
  if (rest > 0) moments.nonFinite -= kLanes - rest;
  moments.count = count - moments.nonFinite;
  return moments;
}

size_t scanHistogram(const float* data, size_t count, float scale, uint32_t* slots) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return histogramPacked(data, count, scale, slots);
#endif
  return histogramPortable(data, count, scale, slots);
}

}  // namespace calibr8
