#ifndef CALIBR8_KERNELS_DEPTHWISE_SHAPE_H_
#define CALIBR8_KERNELS_DEPTHWISE_SHAPE_H_

#include <functional>
#include <optional>

#include "kernels/convolution_geometry.h"
#include "program/step_view.h"

namespace calibr8 {

constexpr size_t kDepthwiseTaps = 9;

/** What our kernels compute at once: a row of results, or two, for a block of channels. */
struct DepthwiseStrip {
  int64_t image, y, rows;
  int64_t firstChannel, channels;
};

/** A depthwise 3x3 convolution of images with channels innermost. */
struct DepthwiseShape {
  int64_t batch, channels;
  /** 1 or 2, in both directions. */
  int64_t stride;
  /** Height and width. */
  int64_t in[2], out[2], pads[2];

  /** Elements from the source's begin to row i of those that the strip needs; negative: outside of the image.
   */
  int64_t sourceOffset(const DepthwiseStrip& strip, int64_t i) const;
  int64_t destinationOffset(const DepthwiseStrip& strip) const;
};

/** Nothing where a convolution is of another kind. */
std::optional<DepthwiseShape> depthwiseShapeOf(const StepView& step, const ConvolutionGeometry& geometry);

/** Calls body for all strips, over the stream's team. With strides of 1, strips have two rows where there are
 * two. */
void forStrips(const DepthwiseShape& shape, int64_t blockChannels,
               const std::function<void(const DepthwiseStrip&)>& body);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_DEPTHWISE_SHAPE_H_
