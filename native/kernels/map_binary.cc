#include <algorithm>
#include <cmath>
#include <map>

#include "kernels/map_functions.h"

namespace calibr8 {
namespace {

/** Two's complement wraps around, as numpy's integers do; in C++ only unsigned ones may. */
template <typename T, typename Op>
T wrapping(T a, T b, Op op) {
  if constexpr (std::is_integral_v<T>) {
    // At least as wide as int, since narrower ones would be promoted to it.
    using Wide = std::common_type_t<std::make_unsigned_t<T>, unsigned>;
    return static_cast<T>(op(static_cast<Wide>(a), static_cast<Wide>(b)));
  } else {
    using C = ComputingType<T>;
    return static_cast<T>(op(static_cast<C>(a), static_cast<C>(b)));
  }
}

template <typename T>
T add(T a, T b) {
  return wrapping(a, b, [](auto p, auto q) { return p + q; });
}
template <typename T>
T subtract(T a, T b) {
  return wrapping(a, b, [](auto p, auto q) { return p - q; });
}
template <typename T>
T multiply(T a, T b) {
  return wrapping(a, b, [](auto p, auto q) { return p * q; });
}

/** Integers: truncated; what has no result is 0. */
template <typename T>
T divide(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return subtract(T(0), a);
    }
    return static_cast<T>(a / b);
  } else {
    return static_cast<T>(static_cast<ComputingType<T>>(a) / static_cast<ComputingType<T>>(b));
  }
}

/** The remainder with the sign of the dividend. */
template <typename T>
T remainder(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return 0;
    }
    return static_cast<T>(a % b);
  } else {
    return static_cast<T>(std::fmod(static_cast<ComputingType<T>>(a), static_cast<ComputingType<T>>(b)));
  }
}

/** The remainder with the sign of the divisor. */
template <typename T>
T modulo(T a, T b) {
  T rest = remainder(a, b);
  bool other = rest != T(0) && (rest < T(0)) != (b < T(0));
  return other ? add(rest, b) : rest;
}

template <typename T>
T power(T base, T exponent) {
  if constexpr (std::is_integral_v<T>) {
    if constexpr (std::is_signed_v<T>) {
      if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
    }
    T result = 1;
    for (T left = exponent; left > 0; left = static_cast<T>(left / 2), base = multiply(base, base)) {
      if (left % 2) result = multiply(result, base);
    }
    return result;
  } else {
    return static_cast<T>(
        std::pow(static_cast<ComputingType<T>>(base), static_cast<ComputingType<T>>(exponent)));
  }
}

/** NaN wins, as numpy has it. */
template <typename T>
T greatest(T a, T b) {
  if (a != a) return a;
  return a > b || b == b ? (a > b ? a : b) : b;
}
template <typename T>
T least(T a, T b) {
  if (a != a) return a;
  return a < b || b == b ? (a < b ? a : b) : b;
}

template <typename T>
T shiftLeft(T a, T b) {
  return b < T(8 * sizeof(T)) ? static_cast<T>(static_cast<uint64_t>(a) << b) : T(0);
}
template <typename T>
T shiftRight(T a, T b) {
  return b < T(8 * sizeof(T)) ? static_cast<T>(a >> b) : T(0);
}

template <typename T>
RowFunction arithmetic(const std::string& name) {
  if (name == "add") return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return add(a, b); }); };
  if (name == "sub")
    return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return subtract(a, b); }); };
  if (name == "mul")
    return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return multiply(a, b); }); };
  if (name == "div") return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return divide(a, b); }); };
  if (name == "max")
    return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return greatest(a, b); }); };
  if (name == "min") return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return least(a, b); }); };
  if (name == "pow") return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return power(a, b); }); };
  if (name == "mod") return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return modulo(a, b); }); };
  if (name == "fmod")
    return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return remainder(a, b); }); };
  if (name == "prelu")
    return [](const Row& row) {
      binaryRow<T>(row, [](T x, T slope) { return x < T(0) ? multiply(x, slope) : x; });
    };
  return nullptr;
}

template <typename T>
RowFunction bitwise(const std::string& name) {
  if (name == "bitwise_and")
    return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return static_cast<T>(a & b); }); };
  if (name == "bitwise_or")
    return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return static_cast<T>(a | b); }); };
  if (name == "bitwise_xor")
    return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return static_cast<T>(a ^ b); }); };
  if constexpr (std::is_unsigned_v<T>) {
    if (name == "shift_left")
      return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return shiftLeft(a, b); }); };
    if (name == "shift_right")
      return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return shiftRight(a, b); }); };
  }
  return nullptr;
}

RowFunction logical(const std::string& name) {
  if (name == "and")
    return [](const Row& row) { binaryRow<Bool>(row, [](Bool a, Bool b) { return Bool(a && b); }); };
  if (name == "or")
    return [](const Row& row) { binaryRow<Bool>(row, [](Bool a, Bool b) { return Bool(a || b); }); };
  if (name == "xor")
    return [](const Row& row) { binaryRow<Bool>(row, [](Bool a, Bool b) { return Bool(a != b); }); };
  return nullptr;
}

template <typename T>
RowFunction comparison(const std::string& name) {
  if (name == "eq") return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return Bool(a == b); }); };
  if (name == "lt") return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return Bool(a < b); }); };
  if (name == "le") return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return Bool(a <= b); }); };
  if (name == "gt") return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return Bool(a > b); }); };
  if (name == "ge") return [](const Row& row) { binaryRow<T>(row, [](T a, T b) { return Bool(a >= b); }); };
  return nullptr;
}

/** Copies whole elements whatever they mean: sources are condition, then, else. */
template <typename T>
void selectRow(const Row& row) {
  auto* condition = static_cast<const Bool*>(row.sources[0]);
  auto* a = static_cast<const T*>(row.sources[1]);
  auto* b = static_cast<const T*>(row.sources[2]);
  auto* y = static_cast<T*>(row.destination);
  for (int64_t i = 0; i < row.count; ++i) {
    y[i] = condition[i * row.steps[0]] ? a[i * row.steps[1]] : b[i * row.steps[2]];
  }
}

}  // namespace

MapFunction findBinaryFunction(const std::string& name, DataType type) {
  RowFunction row = withElementType(type, [&](auto element) -> RowFunction {
    using T = decltype(element);
    if constexpr (std::is_same_v<T, Bool>) {
      return logical(name);
    } else if constexpr (std::is_integral_v<T>) {
      RowFunction found = bitwise<T>(name);
      return found ? found : arithmetic<T>(name);
    } else {
      return arithmetic<T>(name);
    }
  });
  return {2, row};
}

MapFunction findComparison(const std::string& name, DataType type) {
  return {2, withElementType(type, [&](auto element) { return comparison<decltype(element)>(name); })};
}

MapFunction findSelection(const std::string& name, DataType type) {
  if (name != "where") return {};
  switch (sizeOf(type)) {
    case 1:
      return {3, selectRow<uint8_t>};
    case 2:
      return {3, selectRow<uint16_t>};
    case 4:
      return {3, selectRow<uint32_t>};
    default:
      return {3, selectRow<uint64_t>};
  }
}

}  // namespace calibr8
