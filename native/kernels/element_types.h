#ifndef CALIBR8_KERNELS_ELEMENT_TYPES_H_
#define CALIBR8_KERNELS_ELEMENT_TYPES_H_

#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "plan/data_type.h"

namespace calibr8 {

/** IEEE half precision: kept as bits, computed with as float. */
struct Half {
  uint16_t bits = 0;

  Half() = default;
  explicit Half(float value);
  operator float() const;  // NOLINT: computing with it as a float is what it is for
};

inline Half::Half(float value) {
  uint32_t word;
  std::memcpy(&word, &value, sizeof(word));
  uint32_t sign = word >> 16 & 0x8000u;
  uint32_t magnitude = word & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    bits = static_cast<uint16_t>(sign | 0x7e00u);
  } else if (magnitude >= 0x477ff000u) {
    // From 65520 on the nearest is infinity.
    bits = static_cast<uint16_t>(sign | 0x7c00u);
  } else if (magnitude < 0x38800000u) {
    // Subnormal: adding a half makes the processor round to their grid.
    float shifted;
    std::memcpy(&shifted, &magnitude, sizeof(shifted));
    shifted += 0.5f;
    uint32_t rounded;
    std::memcpy(&rounded, &shifted, sizeof(rounded));
    bits = static_cast<uint16_t>(sign | (rounded - 0x3f000000u));
  } else {
    uint32_t odd = magnitude >> 13 & 1u;
    bits = static_cast<uint16_t>(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
  }
}

inline Half::operator float() const {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  uint32_t exponent = bits >> 10 & 0x1fu;
  uint32_t fraction = bits & 0x3ffu;
  float value;
  if (exponent == 0) {
    value = static_cast<float>(fraction) * 5.9604644775390625e-8f;
    uint32_t word;
    std::memcpy(&word, &value, sizeof(word));
    word |= sign;
    std::memcpy(&value, &word, sizeof(value));
    return value;
  }
  uint32_t word = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | fraction << 13;
  std::memcpy(&value, &word, sizeof(value));
  return value;
}

/** A bool's byte, so that templates can tell it from uint8_t. */
struct Bool {
  uint8_t byte = 0;

  Bool() = default;
  explicit Bool(bool value) : byte(value ? 1 : 0) {}
  operator bool() const { return byte != 0; }  // NOLINT: see above
};

template <typename T>
constexpr bool isReal = std::is_floating_point_v<T> || std::is_same_v<T, Half>;

/** What arithmetic on T is done in, without overflow that C++ leaves undefined. */
template <typename T, typename = void>
struct Computing {
  using Type = T;
};
template <>
struct Computing<Half> {
  using Type = float;
};
template <>
struct Computing<Bool> {
  using Type = bool;
};
template <typename T>
using ComputingType = typename Computing<T>::Type;

/** Calls use(T()) with the C++ type of a data type. */
template <typename Use>
auto withElementType(DataType type, Use use) {
  switch (type) {
    case DataType::kFloat32:
      return use(float());
    case DataType::kUint8:
      return use(uint8_t());
    case DataType::kInt8:
      return use(int8_t());
    case DataType::kUint16:
      return use(uint16_t());
    case DataType::kInt16:
      return use(int16_t());
    case DataType::kInt32:
      return use(int32_t());
    case DataType::kInt64:
      return use(int64_t());
    case DataType::kBool:
      return use(Bool());
    case DataType::kFloat16:
      return use(Half());
    case DataType::kFloat64:
      return use(double());
    case DataType::kUint32:
      return use(uint32_t());
    case DataType::kUint64:
      break;
  }
  return use(uint64_t());
}

/**
 * What ONNX's Cast makes of a number: real ones are cut off towards zero, NaN is 0. What 8 and 16 bits cannot
 * hold wraps around, as it does in numpy and onnxruntime; 32 and 64 bits saturate.
 */
template <typename To, typename From>
To castElement(From given) {
  if constexpr (std::is_same_v<From, Half>) {
    return castElement<To>(static_cast<float>(given));
  } else if constexpr (std::is_same_v<To, Bool>) {
    return Bool(given != From());
  } else if constexpr (std::is_same_v<From, Bool>) {
    return static_cast<To>(given ? 1 : 0);
  } else if constexpr (std::is_same_v<To, Half>) {
    return Half(static_cast<float>(given));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To> && sizeof(To) < 4) {
    return static_cast<To>(castElement<int32_t>(given));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // The limits as From may round up to a number that To does not have.
    constexpr auto low = static_cast<From>(std::numeric_limits<To>::min());
    constexpr auto high = static_cast<From>(std::numeric_limits<To>::max());
    if (!(given > low)) return given == given ? std::numeric_limits<To>::min() : To(0);
    return given >= high ? std::numeric_limits<To>::max() : static_cast<To>(given);
  } else {
    return static_cast<To>(given);
  }
}

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_ELEMENT_TYPES_H_
