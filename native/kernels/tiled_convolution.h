#ifndef CALIBR8_KERNELS_TILED_CONVOLUTION_H_
#define CALIBR8_KERNELS_TILED_CONVOLUTION_H_

#include "kernels/convolution_geometry.h"
#include "kernels/product.h"

namespace calibr8 {

/**
 * Builds a convolution without groups on a kernel of ours: tiles of pixels times output channels, whose sums
 * stay in registers over the whole window, and which are rounded, added to a residual and clamped from there.
 * False, with nothing done, where it does not apply: then oneDNN has the convolution. In INT8 the results are
 * oneDNN's bit for bit.
 */
bool buildTiledConvolution(StepBuilder& builder, const ConvolutionGeometry& geometry, const Product& product);

/** The layout that its sources should have; undefined where buildTiledConvolution() does not apply. */
onednn::Layout wishOfTiledConvolution(const StepView& step, const ConvolutionGeometry& geometry,
                                      const Product& product, size_t source);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_TILED_CONVOLUTION_H_
