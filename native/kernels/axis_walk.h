#ifndef CALIBR8_KERNELS_AXIS_WALK_H_
#define CALIBR8_KERNELS_AXIS_WALK_H_

#include "kernels/parallel.h"
#include "program/step_builder.h"

namespace calibr8 {

/** A row-major tensor as [outer, size, inner] around one axis. */
struct AxisWalk {
  int64_t outer = 1;
  int64_t size = 1;
  int64_t inner = 1;

  AxisWalk(const Dims& dims, size_t axis) : size(dims[axis]) {
    for (size_t i = 0; i < axis; ++i) outer *= dims[i];
    for (size_t i = axis + 1; i < dims.size(); ++i) inner *= dims[i];
  }

  /** Calls body(outer, inner) for every line along the axis, over the stream's team. */
  template <typename Body>
  void forEachLine(const Body& body) const {
    size_t grain = static_cast<size_t>(std::max<int64_t>(1, 16384 / std::max<int64_t>(size, 1)));
    parallelFor(static_cast<size_t>(outer * inner), grain, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        body(static_cast<int64_t>(i) / inner, static_cast<int64_t>(i) % inner);
      }
    });
  }
};

/** Checks that an index lies on an axis of `size`; negative ones count from the end. */
inline int64_t checkedIndex(int64_t index, int64_t size, const std::string& label) {
  if (index < -size || index >= size) {
    throw Error(Code::kInvalidFeed, text(label, ": index ", index, " is outside an axis of ", size, "."));
  }
  return index < 0 ? index + size : index;
}

/** Element i of int32 or int64 indices. */
inline int64_t indexAt(const void* indices, DataType type, int64_t i) {
  return type == DataType::kInt64 ? static_cast<const int64_t*>(indices)[i]
                                  : static_cast<const int32_t*>(indices)[i];
}

inline void requireIndices(const StepView& step, const Value& indices) {
  step.require(indices.dtype == DataType::kInt64 || indices.dtype == DataType::kInt32, "indices are ",
               nameOf(indices.dtype), ".");
}

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_AXIS_WALK_H_
