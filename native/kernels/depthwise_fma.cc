#include "kernels/depthwise_fma.h"

#include "kernels/depthwise_shape.h"

#if defined(__x86_64__)
// GCC's own header trips this warning (its _mm512_undefined_* are uninitialized on purpose).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#endif

namespace calibr8 {

#if defined(__x86_64__)

namespace {

#define CALIBR8_FMA __attribute__((target("avx512f")))
#define CALIBR8_FMA_INLINE __attribute__((target("avx512f"), always_inline)) static inline

/** Weights in registers, and which channels there are. */
struct Block {
  __m512 taps[kDepthwiseTaps];
  __m512 bias, low, high;
  __mmask16 mask;
};

/**
 * `count` pixels from x on of `rows` rows of results. Each pixel of the source is read once for all windows
 * that it is in. `inside`: no window leaves the image; `whole`: all 16 channels are there.
 */
template <int count, int stride, int rows, bool inside, bool whole>
CALIBR8_FMA_INLINE void runTile(const DepthwiseFloatRows& strip, const Block& block, int64_t x) {
  constexpr int kColumns = (count - 1) * stride + 3;
  __m512 sums[rows][count];
#pragma GCC unroll 2
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i) sums[r][i] = block.bias;
  }
  int64_t first = x * stride - strip.padLeft;
#pragma GCC unroll 4
  for (int r = 0; r < rows + 2; ++r) {
#pragma GCC unroll 9
    for (int column = 0; column < kColumns; ++column) {
      int64_t from = first + column;
      const float* pixel = strip.source[r] + from * strip.pixel;
      if (!inside && (from < 0 || from >= strip.inWidth)) pixel = strip.outside;
      __m512 value = whole ? _mm512_loadu_ps(pixel) : _mm512_maskz_loadu_ps(block.mask, pixel);
#pragma GCC unroll 2
      for (int to = 0; to < rows; ++to) {
#pragma GCC unroll 4
        for (int i = 0; i < count; ++i) {
          int down = r - to;
          int across = column - i * stride;
          if (down < 0 || down > 2 || across < 0 || across > 2) continue;
          sums[to][i] = _mm512_fmadd_ps(value, block.taps[3 * down + across], sums[to][i]);
        }
      }
    }
  }
#pragma GCC unroll 2
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i) {
      // The second operand is the result where it is no number.
      __m512 result = _mm512_min_ps(block.high, _mm512_max_ps(block.low, sums[r][i]));
      float* to = strip.destination[r] + (x + i) * strip.pixel;
      if (whole) {
        _mm512_storeu_ps(to, result);
      } else {
        _mm512_mask_storeu_ps(to, block.mask, result);
      }
    }
  }
}

CALIBR8_FMA_INLINE void loadBlock(const DepthwiseFloatRows& strip, int64_t channel, Block& block) {
  const float* taps = strip.weights + channel * static_cast<int64_t>(kDepthwiseTaps);
#pragma GCC unroll 9
  for (int i = 0; i < static_cast<int>(kDepthwiseTaps); ++i)
    block.taps[i] = _mm512_loadu_ps(taps + i * kDepthwiseLanes);
  block.bias = _mm512_loadu_ps(strip.bias + channel);
  int64_t left = strip.channels - channel;
  block.mask = static_cast<__mmask16>(left >= kDepthwiseLanes ? 0xffff : (1u << left) - 1);
}

/** All channels of some pixels: memory is read in order, which matters more than that weights are loaded
 * again. */
template <int count, int stride, int rows, bool inside>
CALIBR8_FMA void runPixels(const DepthwiseFloatRows& given, int64_t x) {
  DepthwiseFloatRows strip = given;
  Block block;
  block.low = _mm512_set1_ps(strip.low);
  block.high = _mm512_set1_ps(strip.high);
  int64_t channel = 0;
  auto next = [&]() CALIBR8_FMA {
    channel += kDepthwiseLanes;
    for (const float*& row : strip.source) row += kDepthwiseLanes;
    for (float*& row : strip.destination) row += kDepthwiseLanes;
  };
  for (; channel + kDepthwiseLanes <= strip.channels; next()) {
    loadBlock(strip, channel, block);
    runTile<count, stride, rows, inside, true>(strip, block, x);
  }
  if (channel == strip.channels) return;
  loadBlock(strip, channel, block);
  runTile<count, stride, rows, inside, false>(strip, block, x);
}

template <int stride, int rows>
void run(const DepthwiseFloatRows& strip) {
  constexpr int kCount = 4;
  int64_t x = 0;
  for (; x + kCount <= strip.outWidth; x += kCount) {
    bool inside =
        x * stride >= strip.padLeft && (x + kCount - 1) * stride + 2 - strip.padLeft < strip.inWidth;
    if (inside) {
      runPixels<kCount, stride, rows, true>(strip, x);
    } else {
      runPixels<kCount, stride, rows, false>(strip, x);
    }
  }
  if (x == strip.outWidth) return;
  // The last tile may do pixels again.
  if (strip.outWidth >= kCount) return runPixels<kCount, stride, rows, false>(strip, strip.outWidth - kCount);
  for (; x < strip.outWidth; ++x) runPixels<1, stride, rows, false>(strip, x);
}

}  // namespace

bool hasDepthwiseFma() { return __builtin_cpu_supports("avx512f"); }

void runDepthwise(const DepthwiseFloatRows& rows, int64_t stride) {
  if (stride == 2) return run<2, 1>(rows);
  return rows.rows == 2 ? run<1, 2>(rows) : run<1, 1>(rows);
}

#else

bool hasDepthwiseFma() { return false; }
void runDepthwise(const DepthwiseFloatRows&, int64_t) {}

#endif

}  // namespace calibr8
