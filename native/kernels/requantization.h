#ifndef CALIBR8_KERNELS_REQUANTIZATION_H_
#define CALIBR8_KERNELS_REQUANTIZATION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plan/data_type.h"

namespace calibr8 {

struct Product;

/**
 * How our kernels turn sums into bytes, as oneDNN's do bit for bit: (sum + bias) x scale, perhaps rounded to
 * another grid, perhaps plus a residual, in float32; rounded half to even, plus zeroPoint, saturated.
 * Activations are clamps of what is stored, since rounding keeps the order.
 */
struct Requantization {
  /** Rounded to whole numbers, clamped, times a factor. */
  struct Rounding {
    float low, high, factor;
  };
  struct Residual {
    /** Index among the step's sources. */
    size_t source;
    float scale;
    bool isSigned;
  };

  int32_t zeroPoint = 0;
  bool isSigned = false;
  /** As stored; the type's whole range unless an activation narrows it. */
  int32_t low = 0;
  int32_t high = 255;
  /** One, or one a channel. */
  std::vector<float> scales;
  /** Before a residual is added; only there. */
  std::optional<Rounding> rounding;
  std::optional<Residual> residual;

  float scale(size_t channel) const { return scales[scales.size() > 1 ? channel : 0]; }
  /** What tells biasOfSums() for one from another's, beside the bias. */
  std::string key(const Product& product) const;
};

/**
 * Nothing where the product has post-ops of other kinds, or where sums up to `greatestSum` might leave int32.
 */
std::optional<Requantization> requantizationOf(const Product& product, DataType type, float greatestSum);

/**
 * The channels' biases in units of their sums; `bias` are the bytes of product's bias, of type `type`. Where
 * nothing but saturation can follow they are cut to what converts to int32.
 */
std::vector<float> biasOfSums(const Product& product, const Requantization& to, const uint8_t* bias,
                              DataType type, int64_t channels);

/** Whole numbers below it are exact in float32, sums of two of them rounded once. */
constexpr float kExact = 1 << 24;
/** Whether float32 adds a bias to a sum below kExact as integers are added. */
bool isWhole(float bias);

/** Whether oneDNN may use VNNI with AVX-512 here: its limit on instruction sets holds for us as well. */
bool mayUseVnni512();

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_REQUANTIZATION_H_
