#ifndef CALIBR8_KERNELS_MAX_POOLING_H_
#define CALIBR8_KERNELS_MAX_POOLING_H_

#include "kernels/pooling_shape.h"
#include "plan/plan.h"

namespace calibr8 {

/** Max pooling of channels-last bytes. */
class MaxPooling {
 public:
  /** `type` is uint8 or int8, of source and destination. */
  MaxPooling(const PoolingShape& shape, DataType type) : shape_(shape), windows_(shape), type_(type) {}

  /** Over the stream's team. A window without any tap inside gives the type's least number. */
  void run(const void* source, void* destination) const;

 private:
  PoolingShape shape_;
  PoolingWindows windows_;
  DataType type_;
};

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_MAX_POOLING_H_
