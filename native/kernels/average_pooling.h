#ifndef CALIBR8_KERNELS_AVERAGE_POOLING_H_
#define CALIBR8_KERNELS_AVERAGE_POOLING_H_

#include "kernels/conversion.h"
#include "kernels/pooling_shape.h"

namespace calibr8 {

/** Average pooling of channels-last bytes with exact integer sums. */
struct AveragePooling : PoolingShape {
  bool includePadding = false;
  DataType from = DataType::kUint8;
  DataType to = DataType::kUint8;
  ConversionNumbers numbers;

  /** Over the stream's team. `windows` are this pooling's own. */
  void run(const PoolingWindows& windows, const void* source, void* destination) const;
};

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_AVERAGE_POOLING_H_
