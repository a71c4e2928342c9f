#include "kernels/tile_vnni.h"

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

size_t tilePosition(int64_t c, int64_t channels) {
  // A whole block is packed to bytes in lanes of 16 channels, a smaller one register by register.
  bool packed = channels == kTileChannels;
  int64_t lane = c / 16;
  return static_cast<size_t>(packed ? c % 16 / 4 * kTileLanes + lane * 4 + c % 4 : c);
}

#if defined(__x86_64__)

namespace {

#define CALIBR8_TILE __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define CALIBR8_TILE_LAMBDA __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"), always_inline))
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

/** How a tile's sums end. */
enum class Ending { kPlain, kUnsignedSum, kSignedSum, kRoundedUnsignedSum, kRoundedSignedSum };

constexpr bool hasResidual(Ending ending) { return ending != Ending::kPlain; }
constexpr bool rounds(Ending ending) {
  return ending == Ending::kRoundedUnsignedSum || ending == Ending::kRoundedSignedSum;
}
constexpr bool residualIsSigned(Ending ending) {
  return ending == Ending::kSignedSum || ending == Ending::kRoundedSignedSum;
}

Ending endingOf(const VnniTiles& tile) {
  if (!tile.residual) return Ending::kPlain;
  if (tile.to->rounds)
    return tile.to->residualIsSigned ? Ending::kRoundedSignedSum : Ending::kRoundedUnsignedSum;
  return tile.to->residualIsSigned ? Ending::kSignedSum : Ending::kUnsignedSum;
}

/** TileRequantization in registers. */
struct Numbers {
  __m512 residualScale, roundingLow, roundingHigh, roundingFactor;
  __m512i zeroPoint, low, high;
};

CALIBR8_TILE_INLINE Numbers numbersOf(const TileRequantization& to) {
  return {_mm512_set1_ps(to.residualScale),  _mm512_set1_ps(to.roundingLow),  _mm512_set1_ps(to.roundingHigh),
          _mm512_set1_ps(to.roundingFactor), _mm512_set1_epi32(to.zeroPoint), _mm512_set1_epi32(to.low),
          _mm512_set1_epi32(to.high)};
}

/** Real results of 16 channels; `residual` as int32. */
template <bool rounds, bool adds>
CALIBR8_TILE_INLINE __m512 realOf(__m512 sum, __m512 scale, const Numbers& numbers, __m512i residual) {
  __m512 real = _mm512_mul_ps(sum, scale);
  if (rounds) {
    real = _mm512_roundscale_ps(real, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    real = _mm512_min_ps(_mm512_max_ps(real, numbers.roundingLow), numbers.roundingHigh);
    real = _mm512_mul_ps(real, numbers.roundingFactor);
  }
  return adds ? _mm512_fmadd_ps(_mm512_cvtepi32_ps(residual), numbers.residualScale, real) : real;
}

/** What packing wants: a zero point and clamps for results that are signed bytes until the last flip. */
struct Packing {
  Numbers numbers;
  __m512i zeroPoint, low, high, flip;
};

CALIBR8_TILE_INLINE Packing packingOf(const TileRequantization& to) {
  int32_t shift = to.isSigned ? 0 : 128;
  return {numbersOf(to), _mm512_set1_epi16(static_cast<int16_t>(to.zeroPoint - shift)),
          _mm512_set1_epi8(static_cast<int8_t>(to.low - shift)),
          _mm512_set1_epi8(static_cast<int8_t>(to.high - shift)), _mm512_set1_epi8(static_cast<char>(shift))};
}

/**
 * The most usual results, which have kernels of their own: unsigned without zero point and clamps, so that
 * they just saturate, and with biases in the sums.
 */
bool isSimple(const VnniTiles& tile) {
  const TileRequantization& to = *tile.to;
  return !tile.biased && !to.isSigned && to.zeroPoint == 0 && to.low == 0 && to.high == 255;
}

template <bool simple>
CALIBR8_TILE_INLINE __m512i pack(const __m512i* whole, const Packing& packing) {
  __m512i first = _mm512_packs_epi32(whole[0], whole[1]);
  __m512i second = _mm512_packs_epi32(whole[2], whole[3]);
  if (simple) return _mm512_packus_epi16(first, second);
  // Saturation on the way changes nothing: what it meets saturates in the end.
  first = _mm512_adds_epi16(first, packing.zeroPoint);
  second = _mm512_adds_epi16(second, packing.zeroPoint);
  __m512i bytes = _mm512_packs_epi16(first, second);
  bytes = _mm512_min_epi8(_mm512_max_epi8(bytes, packing.low), packing.high);
  return _mm512_xor_si512(bytes, packing.flip);
}

/** 64 bytes as int32, in the order that packing undoes. */
template <bool isSigned>
CALIBR8_TILE_INLINE void unpack(__m512i bytes, __m512i* whole) {
  __m512i zero = _mm512_setzero_si512();
  // Signed ones are moved up, so that a shift that keeps the sign brings them back.
  __m512i low = isSigned ? _mm512_unpacklo_epi8(zero, bytes) : _mm512_unpacklo_epi8(bytes, zero);
  __m512i high = isSigned ? _mm512_unpackhi_epi8(zero, bytes) : _mm512_unpackhi_epi8(bytes, zero);
  whole[0] = isSigned ? _mm512_unpacklo_epi16(zero, low) : _mm512_unpacklo_epi16(low, zero);
  whole[1] = isSigned ? _mm512_unpackhi_epi16(zero, low) : _mm512_unpackhi_epi16(low, zero);
  whole[2] = isSigned ? _mm512_unpacklo_epi16(zero, high) : _mm512_unpacklo_epi16(high, zero);
  whole[3] = isSigned ? _mm512_unpackhi_epi16(zero, high) : _mm512_unpackhi_epi16(high, zero);
  if (isSigned) unrolled<4>([&](auto j) CALIBR8_TILE_LAMBDA { whole[j] = _mm512_srai_epi32(whole[j], 24); });
}

/** A pixel's 64 channels. */
template <Ending ending, bool simple>
CALIBR8_TILE_INLINE void finishPacked(const VnniTiles& tile, const __m512* scales, const Packing& packing,
                                      int64_t offset, const __m512i* sums) {
  __m512i residual[4];
  if (hasResidual(ending))
    unpack<residualIsSigned(ending)>(_mm512_loadu_si512(tile.residual + offset), residual);
  __m512i whole[4];
  unrolled<4>([&](auto j) CALIBR8_TILE_LAMBDA {
    __m512 sum = _mm512_cvtepi32_ps(sums[j]);
    if (!simple) sum = _mm512_add_ps(sum, _mm512_loadu_ps(tile.bias + 16 * j));
    whole[j] = _mm512_cvtps_epi32(
        realOf<rounds(ending), hasResidual(ending)>(sum, scales[j], packing.numbers, residual[j]));
  });
  _mm512_storeu_si512(tile.destination + offset, pack<simple>(whole, packing));
}

CALIBR8_TILE_INLINE void readScales(const VnniTiles& tile, __m512* scales) {
  unrolled<4>([&](auto j) CALIBR8_TILE_LAMBDA { scales[j] = _mm512_loadu_ps(tile.scale + 16 * j); });
}

/** A pixel's 16 channels, or fewer. */
CALIBR8_TILE_INLINE void finishLanes(const VnniTiles& tile, const Numbers& numbers, int64_t channel,
                                     int64_t offset, __m512i sum) {
  auto mask =
      static_cast<__mmask16>((1u << (tile.channels - channel < 16 ? tile.channels - channel : 16)) - 1);
  __m512 scale = _mm512_loadu_ps(tile.scale + channel);
  __m512 biased = _mm512_add_ps(_mm512_cvtepi32_ps(sum), _mm512_loadu_ps(tile.bias + channel));
  __m512 real;
  if (tile.residual) {
    __m128i bytes = _mm_maskz_loadu_epi8(mask, tile.residual + offset + channel);
    __m512i residual = tile.to->residualIsSigned ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes);
    real = tile.to->rounds ? realOf<true, true>(biased, scale, numbers, residual)
                           : realOf<false, true>(biased, scale, numbers, residual);
  } else {
    real = _mm512_mul_ps(biased, scale);
  }
  __m512i whole = _mm512_add_epi32(_mm512_cvtps_epi32(real), numbers.zeroPoint);
  whole = _mm512_min_epi32(_mm512_max_epi32(whole, numbers.low), numbers.high);
  uint8_t* to = tile.destination + offset + channel;
  // Stores with a mask are slow, even with a full one.
  if (mask == 0xffff) return _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(whole));
  _mm_mask_storeu_epi8(to, mask, _mm512_cvtepi32_epi8(whole));
}

/** The sums of a tile: `sums` has registers[pixel][j]. */
template <int pixels, int registers, bool flips>
CALIBR8_TILE_INLINE void sumUp(VnniTiles& tile, __m512i (*sums)[registers]) {
  constexpr auto kPixels = static_cast<size_t>(pixels);
  unrolled<registers>([&](auto j) CALIBR8_TILE_LAMBDA {
    __m512i start = _mm512_loadu_si512(tile.start + 16 * j);
    unrolled<kPixels>([&](auto pixel) CALIBR8_TILE_LAMBDA { sums[pixel][j] = start; });
  });
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
  const int8_t* weights = tile.weights;
  const int32_t* offsets = tile.offsets;
  const bool fetches = tile.arriving <= 0 && tile.ahead < tile.aheadEnd;
  // Where there is nothing to fetch, a line in the first cache: that costs less than a branch, and than the
  // walk through page tables that an unmapped address takes.
  const int8_t* ahead = fetches ? tile.ahead : tile.weights;
  const int64_t aheadStep = fetches ? 64 : 0;
  const int64_t depth = tile.groups * kTileDepth;
  // Without a branch, which would be mispredicted at the edges of the image.
  const auto source = reinterpret_cast<intptr_t>(tile.source);
  const auto outside = reinterpret_cast<intptr_t>(tile.outside);
  for (int64_t tap = tile.taps; tap > 0; --tap, offsets += kTilePixels) {
    const uint8_t* rows[pixels];
    unrolled<kPixels>([&](auto pixel) CALIBR8_TILE_LAMBDA {
      intptr_t offset = offsets[pixel];
      intptr_t isOutside = offset >> 63;
      rows[pixel] =
          reinterpret_cast<const uint8_t*>(((source + offset) & ~isOutside) | (outside & isOutside));
    });
    for (int64_t at = 0; at < depth; at += kTileDepth) {
      __m512i factors[registers];
      unrolled<registers>([&](auto j)
                              CALIBR8_TILE_LAMBDA { factors[j] = _mm512_loadu_si512(weights + 64 * j); });
      weights += registers * 64;
      unrolled<kPixels>([&](auto pixel) CALIBR8_TILE_LAMBDA {
        int32_t bytes;
        __builtin_memcpy(&bytes, rows[pixel] + at, sizeof(bytes));
        __m512i x = _mm512_set1_epi32(bytes);
        if (flips) x = _mm512_xor_si512(x, flip);
        // As an intrinsic, GCC 12 keeps the sums in memory.
        unrolled<registers>([&](auto j) CALIBR8_TILE_LAMBDA {
          asm("vpdpbusd %2, %1, %0" : "+v"(sums[pixel][j]) : "v"(x), "v"(factors[j]));
        });
      });
      _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T1);
      ahead += aheadStep;
    }
  }
  if (fetches) tile.ahead = ahead;
}

CALIBR8_TILE_INLINE void advance(VnniTiles& tile) {
  --tile.tiles;
  --tile.arriving;
  tile.source += tile.sourceStep;
  tile.offsets += tile.offsetsStep;
  tile.destination += tile.pixels * tile.pixel;
  if (tile.residual) tile.residual += tile.pixels * tile.pixel;
}

/** A whole block of channels. */
template <int pixels, bool flips, Ending ending, bool simple>
CALIBR8_TILE void runPacked(const VnniTiles& given) {
  VnniTiles tile = given;
  for (; tile.tiles > 0; advance(tile)) {
    __m512i sums[pixels][4];
    if (hasResidual(ending)) {
      // The next tile's: one tile may be too short for it to arrive.
      unrolled<static_cast<size_t>(pixels)>([&](auto pixel) CALIBR8_TILE_LAMBDA {
        int64_t next = static_cast<int64_t>(pixel) + pixels;
        _mm_prefetch(reinterpret_cast<const char*>(tile.residual + next * tile.pixel), _MM_HINT_T0);
      });
    }
    sumUp<pixels, 4, flips>(tile, sums);
    // What follows is read anew for each tile: kept in registers, it would push sums out of them.
    asm volatile("" ::: "memory");
    const Packing packing = packingOf(*tile.to);
    __m512 scales[4];
    readScales(tile, scales);
    unrolled<static_cast<size_t>(pixels)>([&](auto pixel) CALIBR8_TILE_LAMBDA {
      finishPacked<ending, simple>(tile, scales, packing, static_cast<int64_t>(pixel) * tile.pixel,
                                   sums[pixel]);
    });
  }
}

template <Ending ending>
CALIBR8_TILE void finishAllPacked(const VnniTiles& tile, const __m512i* sums) {
  const Packing packing = packingOf(*tile.to);
  __m512 scales[4];
  readScales(tile, scales);
  for (int64_t pixel = 0; pixel < tile.pixels; ++pixel)
    finishPacked<ending, false>(tile, scales, packing, pixel * tile.pixel, sums + pixel * 4);
}

CALIBR8_TILE void finishAll(const VnniTiles& tile, int64_t registers, const __m512i* sums) {
  if (tile.channels < kTileChannels) {
    const Numbers numbers = numbersOf(*tile.to);
    for (int64_t pixel = 0; pixel < tile.pixels; ++pixel) {
      for (int64_t j = 0; j < registers; ++j)
        finishLanes(tile, numbers, 16 * j, pixel * tile.pixel, sums[pixel * registers + j]);
    }
    return;
  }
  switch (endingOf(tile)) {
    case Ending::kPlain:
      return finishAllPacked<Ending::kPlain>(tile, sums);
    case Ending::kUnsignedSum:
      return finishAllPacked<Ending::kUnsignedSum>(tile, sums);
    case Ending::kSignedSum:
      return finishAllPacked<Ending::kSignedSum>(tile, sums);
    case Ending::kRoundedUnsignedSum:
      return finishAllPacked<Ending::kRoundedUnsignedSum>(tile, sums);
    case Ending::kRoundedSignedSum:
      return finishAllPacked<Ending::kRoundedSignedSum>(tile, sums);
  }
}

/** Small tiles and blocks, which are few: their sums go through memory. */
template <int pixels, int registers, bool flips>
CALIBR8_TILE void runSmall(const VnniTiles& given) {
  VnniTiles tile = given;
  for (; tile.tiles > 0; advance(tile)) {
    __m512i sums[pixels][registers];
    sumUp<pixels, registers, flips>(tile, sums);
    __m512i stored[pixels * registers];
    unrolled<static_cast<size_t>(pixels)>([&](auto pixel) CALIBR8_TILE_LAMBDA {
      unrolled<registers>([&](auto j)
                              CALIBR8_TILE_LAMBDA { stored[pixel * registers + j] = sums[pixel][j]; });
    });
    finishAll(tile, registers, stored);
  }
}

template <int pixels, bool flips, bool simple>
void dispatchEnding(const VnniTiles& tile) {
  switch (endingOf(tile)) {
    case Ending::kPlain:
      return runPacked<pixels, flips, Ending::kPlain, simple>(tile);
    case Ending::kUnsignedSum:
      return runPacked<pixels, flips, Ending::kUnsignedSum, simple>(tile);
    case Ending::kSignedSum:
      return runPacked<pixels, flips, Ending::kSignedSum, simple>(tile);
    case Ending::kRoundedUnsignedSum:
      return runPacked<pixels, flips, Ending::kRoundedUnsignedSum, simple>(tile);
    case Ending::kRoundedSignedSum:
      return runPacked<pixels, flips, Ending::kRoundedSignedSum, simple>(tile);
  }
}

template <int registers, bool flips>
void dispatchPixels(const VnniTiles& tile) {
  switch (tile.pixels) {
    case 1:
      return runSmall<1, registers, flips>(tile);
    case 2:
      return runSmall<2, registers, flips>(tile);
    case 3:
      return runSmall<3, registers, flips>(tile);
    case 4:
      return runSmall<4, registers, flips>(tile);
    case 5:
      return runSmall<5, registers, flips>(tile);
    default:
      return runSmall<kTilePixels, registers, flips>(tile);
  }
}

template <int pixels, bool flips>
void dispatchKind(const VnniTiles& tile) {
  return isSimple(tile) ? dispatchEnding<pixels, flips, true>(tile)
                        : dispatchEnding<pixels, flips, false>(tile);
}

template <bool flips>
void dispatch(const VnniTiles& tile) {
  if (tile.channels == kTileChannels && tile.pixels == kTilePixels)
    return dispatchKind<kTilePixels, flips>(tile);
  if (tile.channels == kTileChannels && tile.pixels == kTilePixels - 1)
    return dispatchKind<kTilePixels - 1, flips>(tile);
  switch ((tile.channels + kTileLanes - 1) / kTileLanes) {
    case 1:
      return dispatchPixels<1, flips>(tile);
    case 2:
      return dispatchPixels<2, flips>(tile);
    case 3:
      return dispatchPixels<3, flips>(tile);
    default:
      return dispatchPixels<4, flips>(tile);
  }
}

}  // namespace

bool hasTileVnni() {
  return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl");
}

void runTiles(const VnniTiles& tile) { return tile.flips ? dispatch<true>(tile) : dispatch<false>(tile); }

#else

bool hasTileVnni() { return false; }
void runTiles(const VnniTiles&) {}

#endif

}  // namespace calibr8
