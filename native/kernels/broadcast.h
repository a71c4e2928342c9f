#ifndef CALIBR8_KERNELS_BROADCAST_H_
#define CALIBR8_KERNELS_BROADCAST_H_

#include <functional>
#include <vector>

#include "onednn/layout.h"

namespace calibr8 {

/** A run of elements along the innermost dimension: addresses and steps in elements; the destination is
 * dense. */
struct Row {
  const void* sources[3] = {nullptr, nullptr, nullptr};
  int64_t steps[3] = {0, 0, 0};
  void* destination = nullptr;
  int64_t count = 0;
  double alpha = 0;
  double beta = 0;
};

using RowFunction = void (*)(const Row& row);

/** Goes over a dense plain destination row by row, with plain sources of the same rank that are broadcast. */
class BroadcastLoop {
 public:
  BroadcastLoop(const std::vector<onednn::Layout>& sources, const onednn::Layout& destination);

  /** Over the stream's team; the destination's pointer follows the sources'. */
  void run(void* const* pointers, RowFunction function, double alpha, double beta) const;

 private:
  Dims dims_;
  std::vector<Dims> strides_;
  std::vector<int64_t> sizes_;
  Dims destinationStrides_;
  int64_t destinationSize_;
};

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_BROADCAST_H_
