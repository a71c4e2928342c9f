#ifndef CALIBR8_KERNELS_MAP_FUNCTIONS_H_
#define CALIBR8_KERNELS_MAP_FUNCTIONS_H_

#include <string>

#include "kernels/broadcast.h"
#include "kernels/element_types.h"

namespace calibr8 {

/** A function of elements that the kernel `map` computes: how many operands it has and what computes a row.
 */
struct MapFunction {
  size_t operands = 0;
  RowFunction row = nullptr;
};

// Each file knows some functions of operands of `type`; `row` is null where there is none of that name and
// type.
MapFunction findBinaryFunction(const std::string& name, DataType type);
MapFunction findComparison(const std::string& name, DataType type);
MapFunction findUnaryFunction(const std::string& name, DataType type);
/** The functions that are worth vectorizing, on float32. */
MapFunction findFloatFunction(const std::string& name);
MapFunction findSelection(const std::string& name, DataType type);
MapFunction findCast(DataType from, DataType to);

template <typename T, typename Op>
void unaryRow(const Row& row, Op op) {
  auto* x = static_cast<const T*>(row.sources[0]);
  using R = decltype(op(T()));
  auto* y = static_cast<R*>(row.destination);
  int64_t step = row.steps[0];
  for (int64_t i = 0; i < row.count; ++i) y[i] = op(x[i * step]);
}

/** Loops that the compiler can vectorize for the steps that occur most. */
template <typename T, typename Op>
void binaryRow(const Row& row, Op op) {
  auto* a = static_cast<const T*>(row.sources[0]);
  auto* b = static_cast<const T*>(row.sources[1]);
  using R = decltype(op(T(), T()));
  auto* y = static_cast<R*>(row.destination);
  int64_t stepA = row.steps[0];
  int64_t stepB = row.steps[1];
  if (stepA == 1 && stepB == 1) {
    for (int64_t i = 0; i < row.count; ++i) y[i] = op(a[i], b[i]);
  } else if (stepA == 1 && stepB == 0) {
    const T fixed = *b;
    for (int64_t i = 0; i < row.count; ++i) y[i] = op(a[i], fixed);
  } else {
    for (int64_t i = 0; i < row.count; ++i) y[i] = op(a[i * stepA], b[i * stepB]);
  }
}

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_MAP_FUNCTIONS_H_
