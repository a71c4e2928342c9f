#ifndef CALIBR8_KERNELS_DEPTHWISE_H_
#define CALIBR8_KERNELS_DEPTHWISE_H_

#include "kernels/convolution_geometry.h"
#include "kernels/depthwise_shape.h"
#include "kernels/product.h"

namespace calibr8 {

/**
 * Builds a depthwise 3x3 convolution on a kernel of ours. False, with nothing done, where none applies: then
 * oneDNN has it. In INT8 the results are oneDNN's bit for bit; in float32 sums are rounded in another order.
 */
bool buildDepthwise(StepBuilder& builder, const ConvolutionGeometry& geometry, const Product& product);

// By data type.
bool buildInt8Depthwise(StepBuilder& builder, const DepthwiseShape& shape, const Product& product);
bool buildFloatDepthwise(StepBuilder& builder, const DepthwiseShape& shape, const Product& product);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_DEPTHWISE_H_
