#ifndef CALIBR8_KERNELS_TYPED_REDUCTION_H_
#define CALIBR8_KERNELS_TYPED_REDUCTION_H_

#include <string>

#include "program/step_builder.h"

namespace calibr8 {

/** Reductions of element types other than float32: exact sums of integers, plain loops. */
void buildTypedReduction(StepBuilder& builder, const std::string& algorithm);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_TYPED_REDUCTION_H_
