#ifndef CALIBR8_KERNELS_DEPTHWISE_H_
#define CALIBR8_KERNELS_DEPTHWISE_H_

#include "kernels/convolution_geometry.h"
#include "kernels/product.h"

namespace calibr8 {

/**
 * Builds a quantized depthwise convolution on our own kernel, which gives oneDNN's results bit for bit.
 * False, with nothing done, where it does not apply: then oneDNN has it.
 */
bool buildDepthwise(StepBuilder& builder, const ConvolutionGeometry& geometry, const Product& product);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_DEPTHWISE_H_
