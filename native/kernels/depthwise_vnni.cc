#include "kernels/depthwise_vnni.h"

#include <algorithm>
#include <type_traits>

#if defined(__x86_64__)
// GCC's own header trips this warning (its _mm512_undefined_* are uninitialized on purpose).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#endif

namespace calibr8 {

size_t depthwisePosition(int64_t channel) {
  // Unpacking works on lanes of 16 bytes: group g holds channels 4g to 4g + 3 of each lane.
  int64_t lane = channel / 16;
  int64_t group = channel % 16 / 4;
  return static_cast<size_t>(((group * 4 + lane) * 4 + channel % 4) * 4);
}

#if defined(__x86_64__)

namespace {

#define CALIBR8_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define CALIBR8_VNNI_LAMBDA __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"), always_inline))
#define CALIBR8_VNNI_INLINE CALIBR8_VNNI_LAMBDA static inline

constexpr int64_t kRegister = kDepthwiseBlock;
/** Registers of results whose first half waits, as int16, for the second. */
constexpr int64_t kChunk = 16;

CALIBR8_VNNI_INLINE __m512i dot(__m512i sum, __m512i bytes, __m512i taps) {
  // As an intrinsic, GCC reads the taps from memory again for each product.
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(bytes), "v"(taps));
  return sum;
}

CALIBR8_VNNI_INLINE __m512i splat(uint8_t x) { return _mm512_set1_epi8(static_cast<char>(x)); }

CALIBR8_VNNI_INLINE uint64_t firstBytes(int64_t count) {
  return count >= kRegister ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
}

/** The bytes of one column of four rows, interleaved: two of the four groups of channels that a register has.
 */
struct Column {
  __m512i group[2];
};

/** The bytes of a register, from source pixel `x` on, that are inside of the image. */
CALIBR8_VNNI_INLINE uint64_t insideOf(const DepthwiseRows& rows, int64_t x) {
  int64_t from = std::max<int64_t>(-x, 0);
  int64_t to = std::min(rows.inWidth - x, rows.pixels);
  return to <= from ? 0 : firstBytes(to * rows.channels) & ~firstBytes(from * rows.channels);
}

/** `inside`: all of its pixels are. */
template <int half, int results, bool simple, bool inside>
CALIBR8_VNNI_INLINE Column readColumn(const DepthwiseRows& rows, int64_t x) {
  uint64_t mask = inside ? firstBytes(rows.pixels * rows.channels) : insideOf(rows, x);
  if (!inside && mask == 0) return {{splat(rows.outside ^ rows.flip), splat(rows.outside ^ rows.flip)}};
  auto read = [&](int row) CALIBR8_VNNI_LAMBDA {
    const uint8_t* from = rows.source[row] + x * rows.pixel;
    if (simple && inside) return _mm512_loadu_si512(from);
    __m512i bytes = _mm512_mask_loadu_epi8(splat(rows.outside), mask, from);
    return simple ? bytes : _mm512_xor_si512(bytes, splat(rows.flip));
  };
  __m512i a = read(0), b = read(1), c = read(2);
  // A fourth row meets weights of zero where three are enough.
  __m512i d = results == 2 ? read(3) : c;
  __m512i ab = half == 0 ? _mm512_unpacklo_epi8(a, b) : _mm512_unpackhi_epi8(a, b);
  __m512i cd = half == 0 ? _mm512_unpacklo_epi8(c, d) : _mm512_unpackhi_epi8(c, d);
  return {{_mm512_unpacklo_epi16(ab, cd), _mm512_unpackhi_epi16(ab, cd)}};
}

/** What half of a register's channels need, in registers for as long as a row goes on. */
template <int results>
struct Numbers {
  __m512i taps[results][3][2];
  __m512i start[2];
  __m512 bias[2], scale[2];
};

template <int half, int results, bool simple>
CALIBR8_VNNI_INLINE Numbers<results> numbersOf(const DepthwiseRows& rows) {
  Numbers<results> numbers;
#pragma GCC unroll 2
  for (int g = 0; g < 2; ++g) {
    const int group = 2 * half + g;
    numbers.start[g] = _mm512_loadu_si512(rows.start + 16 * group);
    numbers.bias[g] = _mm512_loadu_ps(rows.bias + 16 * group);
    if (simple) numbers.start[g] = _mm512_add_epi32(numbers.start[g], _mm512_cvtps_epi32(numbers.bias[g]));
    numbers.scale[g] = _mm512_loadu_ps(rows.scale + 16 * group);
#pragma GCC unroll 3
    for (int column = 0; column < 3; ++column) {
#pragma GCC unroll 2
      for (int row = 0; row < results; ++row) {
        const uint8_t* taps = rows.weights + ((column * 2 + row) * 4 + group) * kRegister;
        numbers.taps[row][column][g] = _mm512_loadu_si512(taps);
      }
    }
  }
  return numbers;
}

/** Results of half of a register's channels, saturated to int16. */
template <int results, bool simple>
CALIBR8_VNNI_INLINE __m512i halfOf(const Numbers<results>& numbers, const Column* columns, int row) {
  __m512i whole[2];
#pragma GCC unroll 2
  for (int g = 0; g < 2; ++g) {
    __m512i sum = numbers.start[g];
#pragma GCC unroll 3
    for (int column = 0; column < 3; ++column)
      sum = dot(sum, columns[column].group[g], numbers.taps[row][column][g]);
    __m512 real = _mm512_cvtepi32_ps(sum);
    if (!simple) real = _mm512_add_ps(real, numbers.bias[g]);
    whole[g] = _mm512_cvtps_epi32(_mm512_mul_ps(real, numbers.scale[g]));
  }
  return _mm512_packs_epi32(whole[0], whole[1]);
}

template <bool simple>
CALIBR8_VNNI_INLINE __m512i pack(const DepthwiseRequantization& to, __m512i first, __m512i second) {
  if (simple) return _mm512_packus_epi16(first, second);
  // As signed bytes until the last flip. Saturation on the way changes nothing: what it meets saturates in
  // the end.
  int32_t shift = to.isSigned ? 0 : 128;
  __m512i zeroPoint = _mm512_set1_epi16(static_cast<int16_t>(to.zeroPoint - shift));
  __m512i bytes =
      _mm512_packs_epi16(_mm512_adds_epi16(first, zeroPoint), _mm512_adds_epi16(second, zeroPoint));
  bytes = _mm512_max_epi8(bytes, _mm512_set1_epi8(static_cast<int8_t>(to.low - shift)));
  bytes = _mm512_min_epi8(bytes, _mm512_set1_epi8(static_cast<int8_t>(to.high - shift)));
  return _mm512_xor_si512(bytes, splat(static_cast<uint8_t>(shift)));
}

/** `inside`: all of a register's pixels are. */
template <bool simple, bool inside>
CALIBR8_VNNI_INLINE void write(const DepthwiseRows& rows, uint8_t* to, int64_t x, __m512i bytes) {
  // Stores with a mask are slow, even with a full one.
  if (simple && inside) return _mm512_storeu_si512(to, bytes);
  int64_t pixels = std::min(rows.pixels, rows.outWidth - x);
  if (pixels * rows.channels == kRegister) return _mm512_storeu_si512(to, bytes);
  _mm512_mask_storeu_epi8(to, firstBytes(pixels * rows.channels), bytes);
}

/** Registers of results of a row: all, and the run of those for which no pixel is looked at outside of an
 * image. */
struct Registers {
  /** Columns from one to the next, which `step` says where it is less than 3. */
  int64_t apart;
  int64_t count, insideBegin, insideEnd;
};

template <int step>
CALIBR8_VNNI_INLINE Registers registersOf(const DepthwiseRows& rows) {
  const int64_t apart = step < 3 ? step : rows.stride * rows.pixels;
  const int64_t pixels = step == 1 ? 1 : rows.pixels;
  // The columns that a register has in common with the former one are looked at there.
  int64_t begin = (std::max<int64_t>(rows.padLeft - (3 - step), 0) + apart - 1) / apart;
  int64_t room = rows.inWidth + rows.padLeft - 2 - pixels;
  int64_t end = room < 0 ? 0 : std::min(room / apart + 1, rows.outWidth / pixels);
  return {apart, (rows.outWidth + pixels - 1) / pixels, begin, end};
}

/**
 * Half of the channels of the registers from `begin` to `end`. The first half goes to `waiting`, the second
 * joins it. `step` is the columns from one register to the next, 3 where they have none in common.
 */
template <int half, int step, int results, bool simple>
CALIBR8_VNNI_INLINE void runHalf(const DepthwiseRows& rows, const Registers& registers, int64_t begin,
                                 int64_t end, __m512i (*waiting)[results]) {
  constexpr int kKept = 3 - step;
  const Numbers<results> numbers = numbersOf<half, results, simple>(rows);
  int64_t at = begin;
  int64_t x = begin * registers.apart - rows.padLeft;
  Column columns[3];
#pragma GCC unroll 2
  for (int i = 0; i < kKept; ++i) columns[i] = readColumn<half, results, simple, false>(rows, x + i);
  auto runUntil = [&](auto inside, int64_t until) CALIBR8_VNNI_LAMBDA {
    for (; at < until; ++at, x += registers.apart) {
#pragma GCC unroll 3
      for (int i = kKept; i < 3; ++i) columns[i] = readColumn<half, results, simple, inside>(rows, x + i);
#pragma GCC unroll 2
      for (int row = 0; row < results; ++row) {
        __m512i own = halfOf<results, simple>(numbers, columns, row);
        if (half == 0) {
          waiting[at - begin][row] = own;
        } else {
          write<simple, inside>(rows, rows.destination[row] + at * rows.pixels * rows.pixel, at * rows.pixels,
                                pack<simple>(rows.to, waiting[at - begin][row], own));
        }
      }
#pragma GCC unroll 2
      for (int i = 0; i < kKept; ++i) columns[i] = columns[i + step];
    }
  };
  runUntil(std::false_type{}, std::min(end, registers.insideBegin));
  runUntil(std::true_type{}, std::min(end, registers.insideEnd));
  runUntil(std::false_type{}, end);
}

template <int step, int results, bool simple>
CALIBR8_VNNI void run(const DepthwiseRows& given) {
  const DepthwiseRows rows = given;
  __m512i waiting[kChunk][results];
  const Registers registers = registersOf<step>(rows);
  for (int64_t begin = 0; begin < registers.count; begin += kChunk) {
    int64_t end = std::min(begin + kChunk, registers.count);
    runHalf<0, step, results, simple>(rows, registers, begin, end, waiting);
    runHalf<1, step, results, simple>(rows, registers, begin, end, waiting);
  }
}

template <int step, bool simple>
void dispatchRows(const DepthwiseRows& rows) {
  return rows.destination[1] ? run<step, 2, simple>(rows) : run<step, 1, simple>(rows);
}

template <bool simple>
void dispatch(const DepthwiseRows& rows) {
  switch (rows.stride * rows.pixels) {
    case 1:
      return dispatchRows<1, simple>(rows);
    case 2:
      return dispatchRows<2, simple>(rows);
    default:
      return dispatchRows<3, simple>(rows);
  }
}

/** The most usual: whole registers of unsigned bytes that just saturate. */
bool isSimple(const DepthwiseRows& rows) {
  const DepthwiseRequantization& to = rows.to;
  return rows.wholeBias && rows.flip == 0 && rows.pixels * rows.channels == kRegister && !to.isSigned &&
         to.zeroPoint == 0 && to.low == 0 && to.high == 255;
}

}  // namespace

bool hasDepthwiseVnni() {
  return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl");
}

void runDepthwise(const DepthwiseRows& rows) {
  return isSimple(rows) ? dispatch<true>(rows) : dispatch<false>(rows);
}

#else

bool hasDepthwiseVnni() { return false; }
void runDepthwise(const DepthwiseRows&) {}

#endif

}  // namespace calibr8
