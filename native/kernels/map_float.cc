#include <cmath>
#include <cstring>
#include <map>

#include "kernels/map_functions.h"
#include "kernels/simd.h"

namespace calibr8 {
namespace {

/** Loop bodies are inlined into each clone; a step other than 0 and 1 does not occur in what is large. */
template <typename Op>
CALIBR8_INLINE void floatRow(const Row& row, Op op) {
  auto* x = static_cast<const float*>(row.sources[0]);
  auto* y = static_cast<float*>(row.destination);
  if (row.steps[0] == 1) {
    for (int64_t i = 0; i < row.count; ++i) y[i] = op(x[i]);
  } else {
    for (int64_t i = 0; i < row.count; ++i) y[i] = op(x[i * row.steps[0]]);
  }
}

/** A quotient of polynomials, as in Eigen's generic_fast_erf; a few units in the last place. */
CALIBR8_INLINE float errorFunction(float given) {
  float x = std::fmin(std::fmax(given, -4.0f), 4.0f);
  float x2 = x * x;
  float p = -2.72614225801306e-10f;
  p = p * x2 + 2.77068142495902e-08f;
  p = p * x2 - 2.10102402082508e-06f;
  p = p * x2 - 5.69250639462346e-05f;
  p = p * x2 - 7.34990630326855e-04f;
  p = p * x2 - 2.95459980854025e-03f;
  p = p * x2 - 1.60960333262415e-02f;
  float q = -1.45660718464996e-05f;
  q = q * x2 - 2.13374055278905e-04f;
  q = q * x2 - 1.68282697438203e-03f;
  q = q * x2 - 7.37332916720468e-03f;
  q = q * x2 - 1.42647390514189e-02f;
  return given != given ? given : x * p / q;
}

CALIBR8_INLINE float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

/** The natural logarithm of Cephes' logf: exact at 1, within an ulp or two elsewhere. */
CALIBR8_INLINE float logarithm(float given) {
  // Subnormals are scaled into the range of normal numbers.
  bool tiny = given < 1.17549435e-38f;
  float scaled = tiny ? given * 8388608.0f : given;
  uint32_t bits;
  std::memcpy(&bits, &scaled, sizeof(bits));
  int32_t exponent = static_cast<int32_t>(bits >> 23 & 0xffu) - 126;
  float mantissa = fromBits((bits & 0x007fffffu) | 0x3f000000u);
  bool low = mantissa < 0.707106781186547524f;
  float e = static_cast<float>(exponent - (low ? 1 : 0) - (tiny ? 23 : 0));
  float x = (low ? mantissa + mantissa : mantissa) - 1.0f;
  float z = x * x;
  float y = 7.0376836292e-2f;
  y = y * x - 1.1514610310e-1f;
  y = y * x + 1.1676998740e-1f;
  y = y * x - 1.2420140846e-1f;
  y = y * x + 1.4249322787e-1f;
  y = y * x - 1.6668057665e-1f;
  y = y * x + 2.0000714765e-1f;
  y = y * x - 2.4999993993e-1f;
  y = y * x + 3.3333331174e-1f;
  y = y * x * z + e * -2.12194440e-4f - 0.5f * z;
  float result = x + y + e * 0.693359375f;
  float infinity = fromBits(0x7f800000u);
  // Negative numbers and NaN give NaN, infinity itself.
  result = given < infinity ? result : given;
  result = given < 0.0f ? fromBits(0x7fc00000u) : result;
  return given == 0.0f ? -infinity : result;
}

CALIBR8_CLONES void floorRow(const Row& row) {
  floatRow(row, [](float x) CALIBR8_INLINE_LAMBDA { return std::floor(x); });
}
CALIBR8_CLONES void ceilRow(const Row& row) {
  floatRow(row, [](float x) CALIBR8_INLINE_LAMBDA { return std::ceil(x); });
}
CALIBR8_CLONES void roundRow(const Row& row) {
  floatRow(row, [](float x) CALIBR8_INLINE_LAMBDA { return std::nearbyint(x); });
}
CALIBR8_CLONES void erfRow(const Row& row) { floatRow(row, errorFunction); }
CALIBR8_CLONES void logRow(const Row& row) { floatRow(row, logarithm); }
CALIBR8_CLONES void softsignRow(const Row& row) {
  floatRow(row, [](float x) CALIBR8_INLINE_LAMBDA { return x / (1.0f + std::fabs(x)); });
}
CALIBR8_CLONES void thresholdedReluRow(const Row& row) {
  float alpha = static_cast<float>(row.alpha);
  floatRow(row, [alpha](float x) CALIBR8_INLINE_LAMBDA { return x > alpha ? x : 0.0f; });
}
/** Towards 0 by beta, and 0 within alpha of it. */
CALIBR8_CLONES void shrinkRow(const Row& row) {
  float alpha = static_cast<float>(row.alpha);
  float beta = static_cast<float>(row.beta);
  floatRow(row, [alpha, beta](float x) CALIBR8_INLINE_LAMBDA {
    float up = x < -alpha ? x + beta : 0.0f;
    return x > alpha ? x - beta : up;
  });
}
CALIBR8_CLONES void preluRow(const Row& row) {
  binaryRow<float>(row, [](float x, float slope) CALIBR8_INLINE_LAMBDA { return x < 0.0f ? x * slope : x; });
}

}  // namespace

MapFunction findFloatFunction(const std::string& name) {
  static const std::map<std::string, MapFunction> functions = {
      {"floor", {1, floorRow}},   {"ceil", {1, ceilRow}},
      {"round", {1, roundRow}},   {"erf", {1, erfRow}},
      {"log", {1, logRow}},       {"softsign", {1, softsignRow}},
      {"shrink", {1, shrinkRow}}, {"thresholded_relu", {1, thresholdedReluRow}},
      {"prelu", {2, preluRow}},
  };
  auto found = functions.find(name);
  return found == functions.end() ? MapFunction{} : found->second;
}

}  // namespace calibr8
