#ifndef CALIBR8_KERNELS_STREAMED_CONVOLUTION_H_
#define CALIBR8_KERNELS_STREAMED_CONVOLUTION_H_

#include "kernels/convolution_geometry.h"
#include "kernels/product.h"

namespace calibr8 {

/**
 * Builds a float32 convolution of few pixels with weights that no near cache holds on a kernel of ours, which
 * fetches weights from memory while those before them are at work. False, with nothing done, where it does
 * not apply: then oneDNN has the convolution.
 */
bool buildStreamedConvolution(StepBuilder& builder, const ConvolutionGeometry& geometry,
                              const Product& product);

/** The layout that its sources should have; undefined where buildStreamedConvolution() does not apply. */
onednn::Layout wishOfStreamedConvolution(const StepView& step, const ConvolutionGeometry& geometry,
                                         const Product& product, size_t source);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_STREAMED_CONVOLUTION_H_
