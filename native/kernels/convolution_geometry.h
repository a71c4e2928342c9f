#ifndef CALIBR8_KERNELS_CONVOLUTION_GEOMETRY_H_
#define CALIBR8_KERNELS_CONVOLUTION_GEOMETRY_H_

#include "plan/data_type.h"

namespace calibr8 {

/** How a convolution's windows lie over its source. */
struct ConvolutionGeometry {
  int64_t groups = 1;
  Dims strides, dilations, padsBegin, padsEnd;
};

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_CONVOLUTION_GEOMETRY_H_
