#include <cmath>

#include "kernels/map_functions.h"

namespace calibr8 {
namespace {

template <typename T>
RowFunction signedness(const std::string& name) {
  using C = ComputingType<T>;
  if (name == "abs")
    return [](const Row& row) {
      unaryRow<T>(row, [](T x) { return x < T(0) ? static_cast<T>(-static_cast<C>(x)) : x; });
    };
  if (name == "neg")
    return [](const Row& row) { unaryRow<T>(row, [](T x) { return static_cast<T>(-static_cast<C>(x)); }); };
  if (name == "sign")
    return [](const Row& row) {
      unaryRow<T>(row,
                  [](T x) { return x != x ? x : static_cast<T>(static_cast<C>((x > T(0)) - (x < T(0)))); });
    };
  return nullptr;
}

/** One entry a function of <cmath>, each on the type that T is computed in. */
#define CALIBR8_MATH(word, expression)     \
  if (name == word) {                      \
    return [](const Row& row) {            \
      unaryRow<T>(row, [](T given) {       \
        const C x = static_cast<C>(given); \
        return static_cast<T>(expression); \
      });                                  \
    };                                     \
  }

template <typename T>
RowFunction mathematics(const std::string& name) {
  using C = ComputingType<T>;
  CALIBR8_MATH("floor", std::floor(x))
  CALIBR8_MATH("ceil", std::ceil(x))
  CALIBR8_MATH("round", std::nearbyint(x))
  CALIBR8_MATH("sqrt", std::sqrt(x))
  CALIBR8_MATH("reciprocal", C(1) / x)
  CALIBR8_MATH("exp", std::exp(x))
  CALIBR8_MATH("log", std::log(x))
  CALIBR8_MATH("sin", std::sin(x))
  CALIBR8_MATH("cos", std::cos(x))
  CALIBR8_MATH("tan", std::tan(x))
  CALIBR8_MATH("asin", std::asin(x))
  CALIBR8_MATH("acos", std::acos(x))
  CALIBR8_MATH("atan", std::atan(x))
  CALIBR8_MATH("sinh", std::sinh(x))
  CALIBR8_MATH("cosh", std::cosh(x))
  CALIBR8_MATH("tanh", std::tanh(x))
  CALIBR8_MATH("asinh", std::asinh(x))
  CALIBR8_MATH("acosh", std::acosh(x))
  CALIBR8_MATH("atanh", std::atanh(x))
  CALIBR8_MATH("erf", std::erf(x))
  if (name == "is_nan") return [](const Row& row) { unaryRow<T>(row, [](T x) { return Bool(x != x); }); };
  // alpha and beta say whether negative and positive infinities count.
  if (name == "is_inf")
    return [](const Row& row) {
      unaryRow<T>(row, [&row](T given) {
        const C x = static_cast<C>(given);
        return Bool(std::isinf(x) && (x < C(0) ? row.alpha : row.beta) != 0);
      });
    };
  return nullptr;
}

#undef CALIBR8_MATH

template <typename From, typename To>
void castRow(const Row& row) {
  unaryRow<From>(row, [](From x) { return castElement<To>(x); });
}

}  // namespace

MapFunction findUnaryFunction(const std::string& name, DataType type) {
  RowFunction row = withElementType(type, [&](auto element) -> RowFunction {
    using T = decltype(element);
    if constexpr (std::is_same_v<T, Bool>) {
      if (name == "not") return [](const Row& row) { unaryRow<Bool>(row, [](Bool x) { return Bool(!x); }); };
      return nullptr;
    } else if constexpr (isReal<T>) {
      RowFunction found = signedness<T>(name);
      return found ? found : mathematics<T>(name);
    } else {
      if (name == "bitwise_not")
        return [](const Row& row) { unaryRow<T>(row, [](T x) { return static_cast<T>(~x); }); };
      return signedness<T>(name);
    }
  });
  return {1, row};
}

MapFunction findCast(DataType from, DataType to) {
  return {1, withElementType(from, [&](auto source) {
            using From = decltype(source);
            return withElementType(
                to, [](auto destination) -> RowFunction { return castRow<From, decltype(destination)>; });
          })};
}

}  // namespace calibr8
