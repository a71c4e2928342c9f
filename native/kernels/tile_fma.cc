#include "kernels/tile_fma.h"

#include <type_traits>
#include <utility>

#if defined(__x86_64__)
#pragma GCC diagnostic push
// GCC 12's own intrinsics read registers that they leave undefined on purpose.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#endif

namespace calibr8 {

#if defined(__x86_64__)

namespace {

#define CALIBR8_TILE __attribute__((target("avx512f")))
#define CALIBR8_TILE_LAMBDA __attribute__((target("avx512f"), always_inline))
#define CALIBR8_TILE_INLINE CALIBR8_TILE_LAMBDA static inline

template <typename Body, size_t... i>
CALIBR8_TILE_INLINE void unrolled(const Body& body, std::index_sequence<i...>) {
  (body(std::integral_constant<size_t, i>{}), ...);
}

/** body(0), body(1), ... with constants, so that arrays that it indexes become registers. */
template <size_t count, typename Body>
CALIBR8_TILE_INLINE void unrolled(const Body& body) {
  unrolled(body, std::make_index_sequence<count>{});
}

template <size_t pixels>
CALIBR8_TILE void run(const FmaTile& tile) {
  __m512 sums[pixels][4];
  unrolled<pixels>([&](auto p) CALIBR8_TILE_LAMBDA {
    auto at = static_cast<int64_t>(p) * tile.pixel;
    unrolled<4>([&](auto j) CALIBR8_TILE_LAMBDA {
      const float* from = tile.start ? tile.start : tile.destination + at;
      sums[p][j] = _mm512_loadu_ps(from + 16 * j);
      if (tile.residual) sums[p][j] = _mm512_add_ps(sums[p][j], _mm512_loadu_ps(tile.residual + at + 16 * j));
    });
  });
  const float* weights = tile.weights;
  // Where there is nothing to fetch, a line in the first cache: that costs less than a branch, and than the
  // walk through page tables that an unmapped address takes.
  const float* ahead = tile.fetches ? tile.ahead : tile.weights;
  const int64_t aheadStep = tile.fetches ? 16 : 0;
  auto multiply = [&](int64_t k) CALIBR8_TILE_LAMBDA {
    __m512 factors[4];
    unrolled<4>([&](auto j) CALIBR8_TILE_LAMBDA { factors[j] = _mm512_loadu_ps(weights + 16 * j); });
    weights += kFmaChannels;
    unrolled<pixels>([&](auto p) CALIBR8_TILE_LAMBDA {
      __m512 x = _mm512_set1_ps(tile.rows[p][k]);
      // As an intrinsic, GCC 12 keeps the sums in memory.
      unrolled<4>([&](auto j) CALIBR8_TILE_LAMBDA {
        asm("vfmadd231ps %2, %1, %0" : "+v"(sums[p][j]) : "v"(x), "v"(factors[j]));
      });
    });
  };
  for (int64_t k = 0; k < tile.depth; k += 2) {
    multiply(k);
    multiply(k + 1);
    _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T0);
    ahead += aheadStep;
  }
  asm volatile("" ::: "memory");
  unrolled<pixels>([&](auto p) CALIBR8_TILE_LAMBDA {
    float* to = tile.destination + static_cast<int64_t>(p) * tile.pixel;
    unrolled<4>([&](auto j) CALIBR8_TILE_LAMBDA {
      // The second operand is the result where it is no number.
      __m512 low = _mm512_set1_ps(tile.low), high = _mm512_set1_ps(tile.high);
      _mm512_storeu_ps(to + 16 * j, _mm512_min_ps(high, _mm512_max_ps(low, sums[p][j])));
    });
  });
}

}  // namespace

bool hasTileFma() { return __builtin_cpu_supports("avx512f"); }

void runFmaTile(const FmaTile& tile) {
  switch (tile.pixels) {
    case 1:
      return run<1>(tile);
    case 2:
      return run<2>(tile);
    case 3:
      return run<3>(tile);
    case 4:
      return run<4>(tile);
    case 5:
      return run<5>(tile);
    default:
      return run<kFmaPixels>(tile);
  }
}

#else

bool hasTileFma() { return false; }
void runFmaTile(const FmaTile&) {}

#endif

}  // namespace calibr8
