#ifndef CALIBR8_PROGRAM_CONVERT_H_
#define CALIBR8_PROGRAM_CONVERT_H_

#include <vector>

#include "plan/plan.h"
#include "program/operation.h"

namespace calibr8 {

class StepBuilder;

/** How stored numbers relate to real ones; empty scales: they are the real ones. */
struct Quantization {
  std::vector<float> scales;
  std::vector<int32_t> zeroPoints;
  int axis = 0;

  static Quantization of(const Value& value) { return {value.scales, value.zeroPoints, value.axis}; }
  float scale() const { return scales.empty() ? 1.0f : scales[0]; }
  int32_t zeroPoint() const { return zeroPoints.empty() ? 0 : zeroPoints[0]; }
};

/**
 * Adds what turns `from` into `to`: a change of layout, type or quantization. Quantizing float32 divides by
 * the scale, rounds half to even and saturates, as ONNX wants it.
 */
void convert(StepBuilder& builder, const Operand& from, const Quantization& fromQuantization,
             const Operand& to, const Quantization& toQuantization, bool inserted);

/** The same for an output, whose destination is the host's memory; nothing is requantized. */
Operation copyOut(const onednn::Device& device, const Operand& from, const Operand& to);

}  // namespace calibr8

#endif  // CALIBR8_PROGRAM_CONVERT_H_
