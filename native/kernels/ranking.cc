#include <algorithm>
#include <numeric>

#include "kernels/axis_walk.h"
#include "kernels/element_types.h"
#include "kernels/families.h"

namespace calibr8 {

using onednn::Layout;

namespace {

/** Which of an axis' elements is the greatest (or least), and the first (or last) of equals. */
template <typename T, typename Better>
int64_t best(const T* line, int64_t size, int64_t step, bool last, Better better) {
  int64_t found = 0;
  for (int64_t i = 1; i < size; ++i) {
    const T& candidate = line[i * step];
    const T& current = line[found * step];
    if (better(candidate, current) || (last && candidate == current)) found = i;
  }
  return found;
}

void buildArgReduction(StepBuilder& builder) {
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  builder.require(!x.dims.empty(), "a scalar has no axis.");
  size_t axis = builder.axis(x);
  Dims expected = x.dims;
  expected[axis] = 1;
  builder.require(y.dims == expected && y.dtype == DataType::kInt64, "expected s64 ", describe(expected),
                  " as the destination.");
  builder.require(x.dims[axis] > 0, "the axis is empty.");
  const std::string& name = builder.params().word("algorithm");
  builder.require(name == "max" || name == "min", "there is no arg_reduction '", name, "'.");
  bool greatest = name == "max";
  bool last = builder.params().integer("last", 0) != 0;
  AxisWalk walk(x.dims, axis);
  DataType type = x.dtype;
  Operand from = builder.read(0, Layout::rowMajor(x.dims, x.dtype));
  Operand to = builder.write(Layout::rowMajor(y.dims, y.dtype));
  builder.call("arg_reduction", {from, to}, [=](void* const* pointers, RunContext&) {
    auto* result = static_cast<int64_t*>(pointers[1]);
    withElementType(type, [&](auto element) {
      using T = decltype(element);
      auto* data = static_cast<const T*>(pointers[0]);
      walk.forEachLine([&](int64_t outer, int64_t inner) {
        const T* line = data + outer * walk.size * walk.inner + inner;
        result[outer * walk.inner + inner] =
            greatest ? best(line, walk.size, walk.inner, last, [](T a, T b) { return a > b; })
                     : best(line, walk.size, walk.inner, last, [](T a, T b) { return a < b; });
      });
    });
  });
}

/** The indices of the k greatest (or least) elements in order; of equals the lower index comes first. */
template <typename T>
void rankLine(const T* line, int64_t size, int64_t step, int64_t k, bool largest, int64_t* result) {
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), int64_t{0});
  auto before = [&](int64_t a, int64_t b) {
    const T& p = line[a * step];
    const T& q = line[b * step];
    if (p != q) return largest ? p > q : p < q;
    return a < b;
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(), before);
  for (int64_t i = 0; i < k; ++i) result[i * step] = order[static_cast<size_t>(i)];
}

void buildTopK(StepBuilder& builder) {
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  builder.require(!x.dims.empty() && y.dims.size() == x.dims.size(), "a scalar has no axis.");
  size_t axis = builder.axis(x);
  int64_t k = y.dims[axis];
  Dims expected = x.dims;
  expected[axis] = k;
  builder.require(y.dims == expected && k <= x.dims[axis] && y.dtype == DataType::kInt64, describe(x.dims),
                  " does not become ", describe(y.dims), ".");
  bool largest = builder.params().integer("largest") != 0;
  AxisWalk walk(x.dims, axis);
  DataType type = x.dtype;
  Operand from = builder.read(0, Layout::rowMajor(x.dims, x.dtype));
  Operand to = builder.write(Layout::rowMajor(y.dims, y.dtype));
  builder.call("top_k", {from, to}, [=](void* const* pointers, RunContext&) {
    auto* result = static_cast<int64_t*>(pointers[1]);
    withElementType(type, [&](auto element) {
      using T = decltype(element);
      auto* data = static_cast<const T*>(pointers[0]);
      walk.forEachLine([&](int64_t outer, int64_t inner) {
        rankLine(data + outer * walk.size * walk.inner + inner, walk.size, walk.inner, k, largest,
                 result + outer * k * walk.inner + inner);
      });
    });
  });
}

}  // namespace

void addRanking(Registry& registry) {
  Kernel argReduction;
  argReduction.name = "arg_reduction";
  argReduction.build = buildArgReduction;
  registry.add(argReduction);

  Kernel topK;
  topK.name = "top_k";
  topK.build = buildTopK;
  registry.add(topK);
}

}  // namespace calibr8
