#ifndef CALIBR8_KERNELS_IMAGE_CONVOLUTION_H_
#define CALIBR8_KERNELS_IMAGE_CONVOLUTION_H_

#include "kernels/convolution_geometry.h"
#include "kernels/product.h"

namespace calibr8 {

/**
 * Builds a float32 convolution of up to 4 planes with small windows, as a network's first one is, on a kernel
 * of ours, which reads the planes as they are. False, with nothing done, where it does not apply: then oneDNN
 * has it.
 */
bool buildImageConvolution(StepBuilder& builder, const ConvolutionGeometry& geometry, const Product& product);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_IMAGE_CONVOLUTION_H_
