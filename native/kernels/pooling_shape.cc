#include "kernels/pooling_shape.h"

#include <algorithm>

namespace calibr8 {

PoolingWindows::PoolingWindows(const PoolingShape& shape) : shape_(shape) {
  for (int axis = 0; axis < 3; ++axis) {
    int64_t step = shape.dilations[axis];
    for (int64_t position = 0; position < shape.out[axis]; ++position) {
      int64_t begin = position * shape.strides[axis] - shape.pads[axis];
      int64_t first = begin < 0 ? (-begin + step - 1) / step : 0;
      int64_t inside = std::max<int64_t>(0, shape.in[axis] - begin);
      int64_t last = std::min(shape.kernel[axis], (inside + step - 1) / step);
      bool any = last > first;
      taps_[axis].push_back({any ? last - first : 0, any ? begin + first * step : 0});
    }
  }
}

}  // namespace calibr8
