#include "kernels/depthwise_vnni.h"

#if defined(__x86_64__)
// GCC's own header trips this warning (its _mm512_undefined_* are uninitialized on purpose).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#endif

namespace calibr8 {

size_t depthwisePosition(int64_t channel, int64_t blockChannels) {
  // Unpacking works on lanes of 16 bytes: register g holds channels 4g to 4g + 3 of each lane.
  int64_t lanes = blockChannels > kDepthwiseBlock / 2 ? 4 : 2;
  int64_t lane = channel / 16;
  int64_t group = channel % 16 / 4;
  return static_cast<size_t>(((group * lanes + lane) * 4 + channel % 4) * 4);
}

#if defined(__x86_64__)

namespace {

#define CALIBR8_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define CALIBR8_VNNI_INLINE \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"), always_inline)) static inline

/** Registers of 64 bytes. */
struct Wide {
  using Bytes = __m512i;
  using Reals = __m512;
  static constexpr int64_t kBytes = 64;
  CALIBR8_VNNI_INLINE uint64_t maskOf(int64_t count) {
    return count >= 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
  }
  CALIBR8_VNNI_INLINE Bytes splat(uint8_t x) { return _mm512_set1_epi8(static_cast<char>(x)); }
  CALIBR8_VNNI_INLINE Bytes load(const void* p) { return _mm512_loadu_si512(p); }
  CALIBR8_VNNI_INLINE Reals loadReals(const void* p) { return _mm512_loadu_ps(p); }
  CALIBR8_VNNI_INLINE Bytes loadSome(uint64_t mask, const void* p) {
    return _mm512_maskz_loadu_epi8(mask, p);
  }
  CALIBR8_VNNI_INLINE void store(void* p, Bytes x) { _mm512_storeu_si512(p, x); }
  CALIBR8_VNNI_INLINE void storeSome(void* p, uint64_t mask, Bytes x) { _mm512_mask_storeu_epi8(p, mask, x); }
  CALIBR8_VNNI_INLINE Bytes flip(Bytes a, Bytes b) { return _mm512_xor_si512(a, b); }
  CALIBR8_VNNI_INLINE Bytes low8(Bytes a, Bytes b) { return _mm512_unpacklo_epi8(a, b); }
  CALIBR8_VNNI_INLINE Bytes high8(Bytes a, Bytes b) { return _mm512_unpackhi_epi8(a, b); }
  CALIBR8_VNNI_INLINE Bytes low16(Bytes a, Bytes b) { return _mm512_unpacklo_epi16(a, b); }
  CALIBR8_VNNI_INLINE Bytes high16(Bytes a, Bytes b) { return _mm512_unpackhi_epi16(a, b); }
  CALIBR8_VNNI_INLINE Bytes dot(Bytes sum, Bytes a, Bytes b) { return _mm512_dpbusd_epi32(sum, a, b); }
  CALIBR8_VNNI_INLINE Reals real(Bytes x) { return _mm512_cvtepi32_ps(x); }
  CALIBR8_VNNI_INLINE Bytes whole(Reals x) { return _mm512_cvtps_epi32(x); }
  CALIBR8_VNNI_INLINE Bytes splatWhole(int32_t x) { return _mm512_set1_epi32(x); }
  CALIBR8_VNNI_INLINE Bytes addWhole(Bytes a, Bytes b) { return _mm512_add_epi32(a, b); }
  CALIBR8_VNNI_INLINE Reals add(Reals a, Reals b) { return _mm512_add_ps(a, b); }
  CALIBR8_VNNI_INLINE Reals multiply(Reals a, Reals b) { return _mm512_mul_ps(a, b); }
  CALIBR8_VNNI_INLINE Bytes pack32(Bytes a, Bytes b) { return _mm512_packs_epi32(a, b); }
  CALIBR8_VNNI_INLINE Bytes packSigned(Bytes a, Bytes b) { return _mm512_packs_epi16(a, b); }
  CALIBR8_VNNI_INLINE Bytes packUnsigned(Bytes a, Bytes b) { return _mm512_packus_epi16(a, b); }
  CALIBR8_VNNI_INLINE Bytes clampSigned(Bytes x, Bytes low, Bytes high) {
    return _mm512_min_epi8(_mm512_max_epi8(x, low), high);
  }
  CALIBR8_VNNI_INLINE Bytes clampUnsigned(Bytes x, Bytes low, Bytes high) {
    return _mm512_min_epu8(_mm512_max_epu8(x, low), high);
  }
};

/** Registers of 32 bytes. */
struct Narrow {
  using Bytes = __m256i;
  using Reals = __m256;
  static constexpr int64_t kBytes = 32;
  CALIBR8_VNNI_INLINE uint64_t maskOf(int64_t count) { return (uint64_t{1} << count) - 1; }
  CALIBR8_VNNI_INLINE Bytes splat(uint8_t x) { return _mm256_set1_epi8(static_cast<char>(x)); }
  CALIBR8_VNNI_INLINE Bytes load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  CALIBR8_VNNI_INLINE Reals loadReals(const float* p) { return _mm256_loadu_ps(p); }
  CALIBR8_VNNI_INLINE Bytes loadSome(uint64_t mask, const void* p) {
    return _mm256_maskz_loadu_epi8(static_cast<__mmask32>(mask), p);
  }
  CALIBR8_VNNI_INLINE void store(void* p, Bytes x) { _mm256_storeu_si256(static_cast<__m256i*>(p), x); }
  CALIBR8_VNNI_INLINE void storeSome(void* p, uint64_t mask, Bytes x) {
    _mm256_mask_storeu_epi8(p, static_cast<__mmask32>(mask), x);
  }
  CALIBR8_VNNI_INLINE Bytes flip(Bytes a, Bytes b) { return _mm256_xor_si256(a, b); }
  CALIBR8_VNNI_INLINE Bytes low8(Bytes a, Bytes b) { return _mm256_unpacklo_epi8(a, b); }
  CALIBR8_VNNI_INLINE Bytes high8(Bytes a, Bytes b) { return _mm256_unpackhi_epi8(a, b); }
  CALIBR8_VNNI_INLINE Bytes low16(Bytes a, Bytes b) { return _mm256_unpacklo_epi16(a, b); }
  CALIBR8_VNNI_INLINE Bytes high16(Bytes a, Bytes b) { return _mm256_unpackhi_epi16(a, b); }
  CALIBR8_VNNI_INLINE Bytes dot(Bytes sum, Bytes a, Bytes b) { return _mm256_dpbusd_epi32(sum, a, b); }
  CALIBR8_VNNI_INLINE Reals real(Bytes x) { return _mm256_cvtepi32_ps(x); }
  CALIBR8_VNNI_INLINE Bytes whole(Reals x) { return _mm256_cvtps_epi32(x); }
  CALIBR8_VNNI_INLINE Bytes splatWhole(int32_t x) { return _mm256_set1_epi32(x); }
  CALIBR8_VNNI_INLINE Bytes addWhole(Bytes a, Bytes b) { return _mm256_add_epi32(a, b); }
  CALIBR8_VNNI_INLINE Reals add(Reals a, Reals b) { return _mm256_add_ps(a, b); }
  CALIBR8_VNNI_INLINE Reals multiply(Reals a, Reals b) { return _mm256_mul_ps(a, b); }
  CALIBR8_VNNI_INLINE Bytes pack32(Bytes a, Bytes b) { return _mm256_packs_epi32(a, b); }
  CALIBR8_VNNI_INLINE Bytes packSigned(Bytes a, Bytes b) { return _mm256_packs_epi16(a, b); }
  CALIBR8_VNNI_INLINE Bytes packUnsigned(Bytes a, Bytes b) { return _mm256_packus_epi16(a, b); }
  CALIBR8_VNNI_INLINE Bytes clampSigned(Bytes x, Bytes low, Bytes high) {
    return _mm256_min_epi8(_mm256_max_epi8(x, low), high);
  }
  CALIBR8_VNNI_INLINE Bytes clampUnsigned(Bytes x, Bytes low, Bytes high) {
    return _mm256_min_epu8(_mm256_max_epu8(x, low), high);
  }
};

/** What bytes results become; shifted: with a zero point. */
enum class Mode { kUnsigned, kSigned, kShifted, kShiftedSigned };

/** The bytes of one column of four rows, interleaved; four registers of 16 (or 8) channels. */
template <typename V>
struct Column {
  typename V::Bytes group[4];
};

template <typename V, int count, bool inside>
CALIBR8_VNNI_INLINE void readColumn(const DepthwiseRows& rows, uint64_t mask, int64_t x, Column<V>& column) {
  if (!inside && (x < 0 || x >= rows.inWidth)) {
    for (int g = 0; g < 4; ++g) column.group[g] = V::splat(rows.outside ^ rows.flip);
    return;
  }
  int64_t offset = x * rows.pixel;
  typename V::Bytes flip = V::splat(rows.flip);
  auto read = [&](int row)
                  CALIBR8_VNNI { return V::flip(V::loadSome(mask, rows.source[row] + offset), flip); };
  typename V::Bytes a = read(0), b = read(1), c = read(2);
  // A fourth row meets weights of zero where three are enough.
  typename V::Bytes d = count == 4 ? read(3) : c;
  typename V::Bytes lowAB = V::low8(a, b), highAB = V::high8(a, b);
  typename V::Bytes lowCD = V::low8(c, d), highCD = V::high8(c, d);
  column.group[0] = V::low16(lowAB, lowCD);
  column.group[1] = V::high16(lowAB, lowCD);
  column.group[2] = V::low16(highAB, highCD);
  column.group[3] = V::high16(highAB, highCD);
}

/**
 * Neighboring pixels of results from their columns, `stride` apart; `row` is 0 for the upper and 1 for the
 * lower row. Two at a time share each load of weights and numbers.
 */
template <typename V, int count, int stride, Mode mode>
CALIBR8_VNNI_INLINE void pixelsOf(const DepthwiseRows& rows, const Column<V>* columns, int row,
                                  typename V::Bytes* pixels) {
  constexpr int64_t kGroup = V::kBytes;
  const uint8_t* weights = rows.weights + row * 4 * kGroup;
  const auto* start = reinterpret_cast<const uint8_t*>(rows.start);
  typename V::Bytes whole[count][4];
#pragma GCC unroll 4
  for (int g = 0; g < 4; ++g) {
    const uint8_t* own = weights + g * kGroup;
    typename V::Bytes sums[count];
#pragma GCC unroll 2
    for (int i = 0; i < count; ++i) sums[i] = V::load(start + g * kGroup);
#pragma GCC unroll 3
    for (int column = 0; column < 3; ++column) {
      typename V::Bytes taps = V::load(own + column * 2 * 4 * kGroup);
#pragma GCC unroll 2
      for (int i = 0; i < count; ++i) sums[i] = V::dot(sums[i], columns[i * stride + column].group[g], taps);
    }
    typename V::Reals bias = V::loadReals(rows.bias + g * (kGroup / 4));
    typename V::Reals scale = V::loadReals(rows.scale + g * (kGroup / 4));
#pragma GCC unroll 2
    for (int i = 0; i < count; ++i) {
      typename V::Reals real = V::multiply(V::add(V::real(sums[i]), bias), scale);
      whole[i][g] = V::whole(real);
      if (mode == Mode::kShifted || mode == Mode::kShiftedSigned)
        whole[i][g] = V::addWhole(whole[i][g], V::splatWhole(rows.to.zeroPoint));
    }
  }
  typename V::Bytes low = V::splat(static_cast<uint8_t>(rows.to.low));
  typename V::Bytes high = V::splat(static_cast<uint8_t>(rows.to.high));
#pragma GCC unroll 2
  for (int i = 0; i < count; ++i) {
    typename V::Bytes first = V::pack32(whole[i][0], whole[i][1]);
    typename V::Bytes second = V::pack32(whole[i][2], whole[i][3]);
    pixels[i] = mode == Mode::kSigned || mode == Mode::kShiftedSigned
                    ? V::clampSigned(V::packSigned(first, second), low, high)
                    : V::clampUnsigned(V::packUnsigned(first, second), low, high);
  }
}

template <typename V, int count>
CALIBR8_VNNI_INLINE void write(const DepthwiseRows& rows, int row, int64_t x, uint64_t mask,
                               const typename V::Bytes* pixels) {
  uint8_t* to = rows.destination[row] + x * rows.pixel;
  for (int i = 0; i < count; ++i) {
    if (rows.channels == V::kBytes) {
      V::store(to + i * rows.pixel, pixels[i]);
    } else {
      V::storeSome(to + i * rows.pixel, mask, pixels[i]);
    }
  }
}

/**
 * The results at x and, where `count` is 2, x + 1. The columns that the former ones left are at the front.
 * `inside`: none of the others is outside of the image.
 */
template <typename V, int count, int stride, Mode mode, bool inside>
CALIBR8_VNNI_INLINE void runPixels(const DepthwiseRows& rows, uint64_t mask, int64_t x, Column<V>* columns) {
  constexpr int kRows = stride == 1 ? 4 : 3;
  constexpr int kKept = 3 - stride;
  constexpr int kColumns = 3 + (count - 1) * stride;
  int64_t first = x * stride - rows.padLeft;
#pragma GCC unroll 4
  for (int i = kKept; i < kColumns; ++i) readColumn<V, kRows, inside>(rows, mask, first + i, columns[i]);
  typename V::Bytes pixels[count];
  pixelsOf<V, count, stride, mode>(rows, columns, 0, pixels);
  write<V, count>(rows, 0, x, mask, pixels);
  if (stride == 1 && rows.destination[1]) {
    pixelsOf<V, count, stride, mode>(rows, columns, 1, pixels);
    write<V, count>(rows, 1, x, mask, pixels);
  }
#pragma GCC unroll 2
  for (int i = 0; i < kKept; ++i) columns[i] = columns[i + count * stride];
}

template <typename V, int stride, Mode mode>
CALIBR8_VNNI void run(const DepthwiseRows& given) {
  const DepthwiseRows rows = given;
  const uint64_t mask = V::maskOf(rows.channels);
  constexpr int kKept = 3 - stride;
  Column<V> columns[3 + stride];
#pragma GCC unroll 2
  for (int i = 0; i < kKept; ++i)
    readColumn<V, stride == 1 ? 4 : 3, false>(rows, mask, i - rows.padLeft, columns[i]);
  int64_t x = 0;
  auto one = [&]() CALIBR8_VNNI { runPixels<V, 1, stride, mode, false>(rows, mask, x++, columns); };
  while (x < rows.outWidth && x * stride + kKept < rows.padLeft) one();
  while (x + 1 < rows.outWidth && (x + 1) * stride + 2 - rows.padLeft < rows.inWidth) {
    runPixels<V, 2, stride, mode, true>(rows, mask, x, columns);
    x += 2;
  }
  while (x < rows.outWidth) one();
}

template <typename V, int stride>
void dispatch(const DepthwiseRows& rows) {
  bool shifted = rows.to.zeroPoint != 0;
  if (rows.to.isSigned)
    return shifted ? run<V, stride, Mode::kShiftedSigned>(rows) : run<V, stride, Mode::kSigned>(rows);
  return shifted ? run<V, stride, Mode::kShifted>(rows) : run<V, stride, Mode::kUnsigned>(rows);
}

}  // namespace

bool hasDepthwiseVnni() {
  return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl");
}

void runDepthwise(const DepthwiseRows& rows, int64_t stride) {
  if (rows.channels > kDepthwiseBlock / 2)
    return stride == 1 ? dispatch<Wide, 1>(rows) : dispatch<Wide, 2>(rows);
  return stride == 1 ? dispatch<Narrow, 1>(rows) : dispatch<Narrow, 2>(rows);
}

#else

bool hasDepthwiseVnni() { return false; }
void runDepthwise(const DepthwiseRows&, int64_t) {}

#endif

}  // namespace calibr8
