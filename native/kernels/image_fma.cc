#include "kernels/image_fma.h"

#if defined(__x86_64__)
// GCC's own header trips this warning (its _mm512_undefined_* are uninitialized on purpose).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#endif

namespace calibr8 {

#if defined(__x86_64__)

namespace {

#define CALIBR8_FMA __attribute__((target("avx512f")))

/** `pixels` results from x on, `groups` times 16 output channels. `inside`: no window leaves the image at its
 * sides. */
template <int pixels, int groups, bool inside>
CALIBR8_FMA void runTile(const ImageRow& row, int64_t x) {
  __m512 sums[pixels][groups];
#pragma GCC unroll 12
  for (int p = 0; p < pixels; ++p) {
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) sums[p][g] = _mm512_loadu_ps(row.bias + g * kImageLanes);
  }
  const float* weights = row.weights;
  for (int64_t r = 0; r < row.rows; ++r) {
    int64_t from = x * row.stride - row.padLeft;
    for (int64_t k = 0; k < row.kernel; ++k, ++from, weights += groups * kImageLanes) {
      __m512 taps[groups];
#pragma GCC unroll 4
      for (int g = 0; g < groups; ++g) taps[g] = _mm512_loadu_ps(weights + g * kImageLanes);
#pragma GCC unroll 12
      for (int p = 0; p < pixels; ++p) {
        int64_t column = from + p * row.stride;
        bool there = inside || (column >= 0 && column < row.inWidth);
        __m512 value = _mm512_set1_ps(there ? row.source[r][column] : 0.0f);
#pragma GCC unroll 4
        for (int g = 0; g < groups; ++g) sums[p][g] = _mm512_fmadd_ps(value, taps[g], sums[p][g]);
      }
    }
  }
  // By way of memory: sums that a loop with an index reads would be kept there in the loops above, too.
  __m512 results[pixels][groups];
#pragma GCC unroll 12
  for (int p = 0; p < pixels; ++p) {
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) _mm512_store_ps(&results[p][g], sums[p][g]);
  }
  __m512 low = _mm512_set1_ps(row.low), high = _mm512_set1_ps(row.high);
  int64_t last = row.channels - (groups - 1) * kImageLanes;
  auto lastMask = static_cast<__mmask16>((1u << last) - 1);
  for (int p = 0; p < pixels; ++p) {
    float* to = row.destination + (x + p) * row.pixel;
    for (int g = 0; g < groups; ++g, to += kImageLanes) {
      // The second operand is the result where it is no number.
      __m512 result = _mm512_min_ps(high, _mm512_max_ps(low, results[p][g]));
      if (g < groups - 1 || last == kImageLanes) {
        _mm512_storeu_ps(to, result);
      } else {
        _mm512_mask_storeu_ps(to, lastMask, result);
      }
    }
  }
}

/** As many pixels at once as registers hold: 32, less those for weights and a value. */
template <int pixels, int groups>
void run(const ImageRow& row) {
  auto inside = [&](int64_t x) {
    return x * row.stride >= row.padLeft &&
           (x + pixels - 1) * row.stride + row.kernel - row.padLeft <= row.inWidth;
  };
  int64_t x = 0;
  for (; x + pixels <= row.width; x += pixels) {
    if (inside(x)) {
      runTile<pixels, groups, true>(row, x);
    } else {
      runTile<pixels, groups, false>(row, x);
    }
  }
  for (; x < row.width; ++x) runTile<1, groups, false>(row, x);
}

}  // namespace

bool hasImageFma() { return __builtin_cpu_supports("avx512f"); }

void runImageRow(const ImageRow& row) {
  int64_t groups = (row.channels + kImageLanes - 1) / kImageLanes;
  if (groups == 1) return run<8, 1>(row);
  if (groups == 2) return run<8, 2>(row);
  if (groups == 3) return run<8, 3>(row);
  run<6, 4>(row);
}

#else

bool hasImageFma() { return false; }
void runImageRow(const ImageRow&) {}

#endif

}  // namespace calibr8
