#ifndef CALIBR8_KERNELS_BINARY_LOOP_H_
#define CALIBR8_KERNELS_BINARY_LOOP_H_

#include "program/convert.h"
#include "program/step_builder.h"

namespace calibr8 {

/** Adds y = a op b on float32 operands with broadcasting: a primitive where that is fast, else our loop. */
void addFloatBinary(StepBuilder& builder, onednn::BinaryFunction function, const Operand& a, const Operand& b,
                    const Operand& y);

/**
 * Adds y = a op b through our loop: any of float32, u8, s8 in and out (bool out for comparisons), plain
 * layouts. Computed as ONNX defines it: dequantize, apply, quantize.
 */
void addBinaryLoop(StepBuilder& builder, onednn::BinaryFunction function, const Operand& a,
                   const Quantization& qa, const Operand& b, const Quantization& qb, const Operand& y,
                   const Quantization& qy);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_BINARY_LOOP_H_
