#ifndef CALIBR8_KERNELS_RESIDUAL_H_
#define CALIBR8_KERNELS_RESIDUAL_H_

#include <optional>

#include "program/step_builder.h"

namespace calibr8 {

/** The destination, in the residual's storage where there is one that nothing else needs. */
inline Operand writeInPlace(StepBuilder& builder, std::optional<size_t> residual,
                            const onednn::Layout& layout) {
  bool over = residual && builder.layout(*residual).sameOrder(layout) && builder.reusable(*residual);
  if (!over) return builder.write(layout);
  builder.alias(*residual, layout);
  Operand operand = builder.read(*residual);
  operand.layout = layout;
  return operand;
}

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_RESIDUAL_H_
