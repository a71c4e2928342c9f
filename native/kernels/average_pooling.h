#ifndef CALIBR8_KERNELS_AVERAGE_POOLING_H_
#define CALIBR8_KERNELS_AVERAGE_POOLING_H_

#include <cstdint>

#include "kernels/conversion.h"

namespace calibr8 {

/** Average pooling of channels-last bytes with exact integer sums; one or two spatial axes are padded to
 * three with 1. */
struct AveragePooling {
  int64_t batch = 1;
  int64_t channels = 1;
  int64_t in[3] = {1, 1, 1};
  int64_t out[3] = {1, 1, 1};
  int64_t kernel[3] = {1, 1, 1};
  int64_t strides[3] = {1, 1, 1};
  int64_t dilations[3] = {1, 1, 1};
  int64_t pads[3] = {0, 0, 0};
  bool includePadding = false;
  DataType from = DataType::kUint8;
  DataType to = DataType::kUint8;
  ConversionNumbers numbers;

  /** Over the stream's team. */
  void run(const void* source, void* destination) const;
};

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_AVERAGE_POOLING_H_
