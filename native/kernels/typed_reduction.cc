#include "kernels/typed_reduction.h"

#include <cmath>
#include <limits>

#include "kernels/element_types.h"
#include "kernels/parallel.h"
#include "kernels/strided.h"

namespace calibr8 {

using onednn::Layout;

namespace {

/** Sums of integers wrap around as 64-bit integers do, real ones are kept as doubles. */
template <typename T>
using Total =
    std::conditional_t<isReal<T>, double, std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>;

template <typename T>
Total<T> lowest() {
  if constexpr (isReal<T>) return -std::numeric_limits<double>::infinity();
  return std::is_same_v<T, Bool> ? 0 : static_cast<Total<T>>(std::numeric_limits<T>::lowest());
}
template <typename T>
Total<T> highest() {
  if constexpr (isReal<T>) return std::numeric_limits<double>::infinity();
  return std::is_same_v<T, Bool> ? 1 : static_cast<Total<T>>(std::numeric_limits<T>::max());
}

template <typename T>
using Combine = Total<T> (*)(Total<T> total, Total<T> x);

template <typename T>
struct Algorithm {
  Total<T> start;
  Combine<T> combine;
};

template <typename T>
Algorithm<T> algorithmOf(const std::string& name) {
  using U = Total<T>;
  if (name == "sum" || name == "mean") return {0, [](U a, U x) -> U { return a + x; }};
  if (name == "max") return {lowest<T>(), [](U a, U x) -> U { return x > a ? x : a; }};
  if (name == "min") return {highest<T>(), [](U a, U x) -> U { return x < a ? x : a; }};
  if (name == "mul") return {1, [](U a, U x) -> U { return a * x; }};
  if (name == "norm_l1") return {0, [](U a, U x) -> U { return a + (x < 0 ? U(0) - x : x); }};
  if (name == "norm_l2" || name == "sum_square") return {0, [](U a, U x) -> U { return a + x * x; }};
  return {0, nullptr};
}

struct TypedReduction {
  Dims kept, keptStrides, reduced, reducedStrides;
  std::string name;

  template <typename T>
  void run(const T* source, T* destination) const {
    Algorithm<T> algorithm = algorithmOf<T>(name);
    int64_t rows = countOf(reduced);
    parallelFor(static_cast<size_t>(countOf(kept)), 256, [&](size_t begin, size_t end) {
      Odometer place(kept);
      place.seek(static_cast<int64_t>(begin));
      for (size_t i = begin; i < end; ++i, place.next()) {
        const T* base = source + place.offset(keptStrides);
        Total<T> total = algorithm.start;
        Odometer row(reduced);
        for (int64_t r = 0; r < rows; ++r, row.next()) {
          total = algorithm.combine(total, castElement<Total<T>>(base[row.offset(reducedStrides)]));
        }
        if (name == "mean" && rows > 0) total = total / static_cast<Total<T>>(rows);
        if (name == "norm_l2") total = castElement<Total<T>>(std::sqrt(static_cast<double>(total)));
        destination[i] = castElement<T>(total);
      }
    });
  }
};

}  // namespace

void buildTypedReduction(StepBuilder& builder, const std::string& algorithm) {
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  builder.require(x.dtype == y.dtype, "source and destination differ in type.");
  builder.require(algorithmOf<int64_t>(algorithm).combine != nullptr, "there is no reduction '", algorithm,
                  "'.");
  TypedReduction reduction;
  reduction.name = algorithm;
  Dims strides = onednn::rowMajorStrides(x.dims);
  for (size_t i = 0; i < x.dims.size(); ++i) {
    bool reduced = x.dims[i] != y.dims[i];
    (reduced ? reduction.reduced : reduction.kept).push_back(x.dims[i]);
    (reduced ? reduction.reducedStrides : reduction.keptStrides).push_back(strides[i]);
  }
  DataType type = x.dtype;
  Operand from = builder.read(0, Layout::rowMajor(x.dims, x.dtype));
  Operand to = builder.write(Layout::rowMajor(y.dims, y.dtype));
  builder.call("reduction", {from, to}, [reduction, type](void* const* pointers, RunContext&) {
    withElementType(type, [&](auto element) {
      using T = decltype(element);
      reduction.run(static_cast<const T*>(pointers[0]), static_cast<T*>(pointers[1]));
    });
  });
}

}  // namespace calibr8
