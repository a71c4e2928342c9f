#include "kernels/image_fma.h"

#include <algorithm>

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

/** `pixels` results from x on, `groups` times 16 output channels. No window leaves the image at its sides. */
template <int pixels, int groups>
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
        __m512 value = _mm512_set1_ps(row.source[r][from + p * row.stride]);
#pragma GCC unroll 4
        for (int g = 0; g < groups; ++g) {
          // As an intrinsic, GCC reads weights from memory again for each pixel.
          asm("vfmadd231ps %2, %1, %0" : "+v"(sums[p][g]) : "v"(value), "v"(taps[g]));
        }
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

/** Where windows leave the image at its sides: from a copy of what they read, with zeros around. */
template <int pixels, int groups>
void runEdge(const ImageRow& row, int64_t x) {
  constexpr int64_t kMostColumns = (pixels - 1) * kImageStride + kImageKernel;
  float copies[kImageRows][kMostColumns];
  const float* source[kImageRows];
  int64_t first = x * row.stride - row.padLeft;
  int64_t columns = (pixels - 1) * row.stride + row.kernel;
  int64_t begin = std::clamp<int64_t>(-first, 0, columns);
  int64_t end = std::clamp<int64_t>(row.inWidth - first, begin, columns);
  for (int64_t r = 0; r < row.rows; ++r) {
    float* copy = copies[r];
    std::fill(copy, copy + columns, 0.0f);
    std::copy(row.source[r] + first + begin, row.source[r] + first + end, copy + begin);
    source[r] = copy;
  }
  ImageRow edge = row;
  edge.source = source;
  edge.padLeft = x * row.stride;
  runTile<pixels, groups>(edge, x);
}

/** The results from x on for which there are tiles of so many pixels; returns where they end. */
template <int pixels, int groups>
int64_t runTiles(const ImageRow& row, int64_t x) {
  for (; x + pixels <= row.width; x += pixels) {
    bool inside = x * row.stride >= row.padLeft &&
                  (x + pixels - 1) * row.stride + row.kernel - row.padLeft <= row.inWidth;
    if (inside) {
      runTile<pixels, groups>(row, x);
    } else {
      runEdge<pixels, groups>(row, x);
    }
  }
  return x;
}

/** As many pixels at once as registers hold: 32, less those for weights and a value. */
template <int pixels, int groups>
void run(const ImageRow& row) {
  int64_t x = runTiles<pixels, groups>(row, 0);
  x = runTiles<4, groups>(row, x);
  runTiles<1, groups>(row, x);
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
