#include "kernels/families.h"
#include "kernels/strided.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

/** Broadcasting, tiling, flipping, diagonals: the source's elements read with strides and a start of the
 * plan's. */
void buildView(StepBuilder& builder) {
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  builder.require(x.dtype == y.dtype, "source and destination differ in type.");
  constexpr int64_t kMax = INT32_MAX;
  size_t rank = y.dims.size();
  Dims strides = builder.params().integers("strides", rank, -kMax, kMax);
  int64_t start = builder.params().integer("start", 0);
  int64_t low = start, high = start;
  builder.require(start >= 0 && start < std::max<int64_t>(x.elements, 1), "start ", start, " is outside ",
                  describe(x.dims), ".");
  for (size_t i = 0; i < rank; ++i) {
    // At most 12 products below 2^62 / 12 each: both factors are below 2^31, and the sum is checked as it
    // grows.
    int64_t reach = (y.dims[i] - 1) * strides[i];
    (reach < 0 ? low : high) += reach;
    builder.require(low >= 0 && high < x.elements, "the view leaves ", describe(x.dims), ".");
  }
  Operand from = builder.read(0, Layout::rowMajor(x.dims, x.dtype));
  Operand to = builder.write(Layout::rowMajor(y.dims, y.dtype));
  StridedCopy copy{y.dims, strides, onednn::rowMajorStrides(y.dims), sizeOf(x.dtype)};
  size_t offset = static_cast<size_t>(start) * sizeOf(x.dtype);
  copy.simplify();
  builder.call("view", {from, to}, [copy, offset](void* const* pointers, RunContext&) {
    copy.run(static_cast<const uint8_t*>(pointers[0]) + offset, static_cast<uint8_t*>(pointers[1]));
  });
}

}  // namespace

void addView(Registry& registry) {
  Kernel kernel;
  kernel.name = "view";
  kernel.build = buildView;
  registry.add(kernel);
}

}  // namespace calibr8
