#include "kernels/conversion.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/element_types.h"
#include "kernels/simd.h"

namespace calibr8 {
namespace {

template <typename From>
CALIBR8_INLINE float realOf(From stored, const ConversionNumbers& numbers) {
  return static_cast<float>(stored - static_cast<From>(numbers.fromZero)) * numbers.fromScale;
}
CALIBR8_INLINE float realOf(uint8_t stored, const ConversionNumbers& numbers) {
  return static_cast<float>(int32_t{stored} - numbers.fromZero) * numbers.fromScale;
}
CALIBR8_INLINE float realOf(int8_t stored, const ConversionNumbers& numbers) {
  return static_cast<float>(int32_t{stored} - numbers.fromZero) * numbers.fromScale;
}

template <typename From, typename To>
CALIBR8_INLINE void quantizeLoop(const From* source, To* destination, size_t count,
                                 const ConversionNumbers& given) {
  const ConversionNumbers numbers = given;
  // Clamping to whole numbers before rounding gives what clamping after it would.
  const float low = static_cast<float>(std::numeric_limits<To>::min() - numbers.toZero);
  const float high = static_cast<float>(std::numeric_limits<To>::max() - numbers.toZero);
  for (size_t i = 0; i < count; ++i) {
    float scaled = realOf(source[i], numbers) / numbers.toScale;
    scaled = std::min(std::max(scaled, low), high);
    destination[i] = static_cast<To>(static_cast<int32_t>(roundHalfEven(scaled)) + numbers.toZero);
  }
}

template <typename From>
CALIBR8_INLINE void realLoop(const From* source, float* destination, size_t count,
                             const ConversionNumbers& given) {
  const ConversionNumbers numbers = given;
  for (size_t i = 0; i < count; ++i) destination[i] = realOf(source[i], numbers);
}

// Clones cannot be templates: one plain function a pair of types.
#define CALIBR8_QUANTIZE(name, From, To)                                                           \
  CALIBR8_CLONES void name(const From* s, To* d, size_t count, const ConversionNumbers& numbers) { \
    quantizeLoop(s, d, count, numbers);                                                            \
  }
#define CALIBR8_REAL(name, From)                                                                      \
  CALIBR8_CLONES void name(const From* s, float* d, size_t count, const ConversionNumbers& numbers) { \
    realLoop(s, d, count, numbers);                                                                   \
  }
CALIBR8_QUANTIZE(floatToUint8, float, uint8_t)
CALIBR8_QUANTIZE(floatToInt8, float, int8_t)
CALIBR8_QUANTIZE(uint8ToUint8, uint8_t, uint8_t)
CALIBR8_QUANTIZE(uint8ToInt8, uint8_t, int8_t)
CALIBR8_QUANTIZE(int8ToUint8, int8_t, uint8_t)
CALIBR8_QUANTIZE(int8ToInt8, int8_t, int8_t)
CALIBR8_QUANTIZE(int32ToUint8, int32_t, uint8_t)
CALIBR8_QUANTIZE(int32ToInt8, int32_t, int8_t)
CALIBR8_REAL(uint8ToFloat, uint8_t)
CALIBR8_REAL(int8ToFloat, int8_t)
CALIBR8_REAL(int32ToFloat, int32_t)
CALIBR8_REAL(floatToFloat, float)
#undef CALIBR8_QUANTIZE
#undef CALIBR8_REAL

CALIBR8_CLONES void interleave3(const uint8_t* a, const uint8_t* b, const uint8_t* c, uint8_t* __restrict d,
                                size_t count) {
  for (size_t i = 0; i < count; ++i) {
    d[3 * i] = a[i];
    d[3 * i + 1] = b[i];
    d[3 * i + 2] = c[i];
  }
}

template <typename From>
void convertFrom(const From* source, void* destination, DataType to, size_t count,
                 const ConversionNumbers& numbers) {
  if constexpr (std::is_same_v<From, float>) {
    if (to == DataType::kFloat32)
      return floatToFloat(source, static_cast<float*>(destination), count, numbers);
    if (to == DataType::kUint8)
      return floatToUint8(source, static_cast<uint8_t*>(destination), count, numbers);
    return floatToInt8(source, static_cast<int8_t*>(destination), count, numbers);
  } else if constexpr (std::is_same_v<From, uint8_t>) {
    if (to == DataType::kFloat32)
      return uint8ToFloat(source, static_cast<float*>(destination), count, numbers);
    if (to == DataType::kUint8)
      return uint8ToUint8(source, static_cast<uint8_t*>(destination), count, numbers);
    return uint8ToInt8(source, static_cast<int8_t*>(destination), count, numbers);
  } else if constexpr (std::is_same_v<From, int8_t>) {
    if (to == DataType::kFloat32)
      return int8ToFloat(source, static_cast<float*>(destination), count, numbers);
    if (to == DataType::kUint8)
      return int8ToUint8(source, static_cast<uint8_t*>(destination), count, numbers);
    return int8ToInt8(source, static_cast<int8_t*>(destination), count, numbers);
  } else {
    if (to == DataType::kFloat32)
      return int32ToFloat(source, static_cast<float*>(destination), count, numbers);
    if (to == DataType::kUint8)
      return int32ToUint8(source, static_cast<uint8_t*>(destination), count, numbers);
    return int32ToInt8(source, static_cast<int8_t*>(destination), count, numbers);
  }
}

}  // namespace

bool canConvertLinear(DataType from, DataType to) {
  bool source = from == DataType::kFloat32 || from == DataType::kInt32 || isInt8(from);
  return source && (to == DataType::kFloat32 || isInt8(to));
}

void convertLinear(const void* source, DataType from, void* destination, DataType to, size_t count,
                   const ConversionNumbers& numbers) {
  if (from == DataType::kFloat32)
    return convertFrom(static_cast<const float*>(source), destination, to, count, numbers);
  if (from == DataType::kUint8)
    return convertFrom(static_cast<const uint8_t*>(source), destination, to, count, numbers);
  if (from == DataType::kInt8)
    return convertFrom(static_cast<const int8_t*>(source), destination, to, count, numbers);
  convertFrom(static_cast<const int32_t*>(source), destination, to, count, numbers);
}

void quantizeInterleaved(const float* source, size_t planeStride, size_t channels, size_t pixels,
                         void* destination, DataType to, const ConversionNumbers& numbers) {
  constexpr size_t kBlock = 1024;
  alignas(64) uint8_t planes[4][kBlock];
  auto* out = static_cast<uint8_t*>(destination);
  for (size_t begin = 0; begin < pixels; begin += kBlock) {
    size_t count = std::min(kBlock, pixels - begin);
    for (size_t c = 0; c < channels; ++c) {
      convertLinear(source + c * planeStride + begin, DataType::kFloat32, planes[c], to, count, numbers);
    }
    uint8_t* target = out + begin * channels;
    if (channels == 3) {
      interleave3(planes[0], planes[1], planes[2], target, count);
      continue;
    }
    for (size_t i = 0; i < count; ++i) {
      for (size_t c = 0; c < channels; ++c) target[i * channels + c] = planes[c][i];
    }
  }
}

double loadElement(const void* base, DataType type, int64_t index) {
  return withElementType(type, [&](auto element) {
    using T = decltype(element);
    return castElement<double>(static_cast<const T*>(base)[index]);
  });
}

void storeElement(void* base, DataType type, int64_t index, double value) {
  withElementType(type, [&](auto element) {
    using T = decltype(element);
    double stored = value;
    if constexpr (std::is_integral_v<T>) {
      constexpr auto low = static_cast<double>(std::numeric_limits<T>::min());
      constexpr auto high = static_cast<double>(std::numeric_limits<T>::max());
      stored = std::min(std::max(std::nearbyint(value), low), high);
    }
    static_cast<T*>(base)[index] = castElement<T>(stored);
  });
}

}  // namespace calibr8
