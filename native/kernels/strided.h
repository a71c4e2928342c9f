#ifndef CALIBR8_KERNELS_STRIDED_H_
#define CALIBR8_KERNELS_STRIDED_H_

#include <cstdint>

#include "plan/data_type.h"

namespace calibr8 {

/** The same box of elements in two arrays; strides in elements, `size` bytes each. */
struct StridedCopy {
  Dims dims;
  Dims sourceStrides;
  Dims destinationStrides;
  size_t size = 1;

  /** Drops dimensions of 1 and joins neighbors that run on; call once, before run(). */
  void simplify();
  /** The arrays' first elements of the box; over the stream's team. */
  void run(const uint8_t* source, uint8_t* destination) const;
};

/** Goes over the indices of a box in row-major order and keeps offsets into several arrays. */
class Odometer {
 public:
  explicit Odometer(const Dims& dims) : dims_(dims), index_(dims.size(), 0) {}
  const Dims& index() const { return index_; }
  /** The sum of index x stride. */
  int64_t offset(const Dims& strides) const;
  void seek(int64_t position);
  void next();

 private:
  Dims dims_;
  Dims index_;
};

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_STRIDED_H_
