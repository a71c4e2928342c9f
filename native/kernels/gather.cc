#include <cstring>

#include "kernels/conversion.h"
#include "kernels/families.h"
#include "kernels/parallel.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

void buildGather(StepBuilder& builder) {
  const Value& x = builder.source(0);
  const Value& indices = builder.source(1);
  const Value& y = builder.destination();
  builder.require(x.dtype == y.dtype, "source and destination differ in type.");
  builder.require(indices.dtype == DataType::kInt64 || indices.dtype == DataType::kInt32, "indices are ",
                  nameOf(indices.dtype), ".");
  builder.require(!x.dims.empty(), "a scalar has no axis.");
  size_t axis = builder.axis(x);
  Dims expected(x.dims.begin(), x.dims.begin() + static_cast<std::ptrdiff_t>(axis));
  expected.insert(expected.end(), indices.dims.begin(), indices.dims.end());
  expected.insert(expected.end(), x.dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1, x.dims.end());
  builder.require(expected == y.dims, "expected ", describe(expected), " as the destination but received ",
                  describe(y.dims), ".");

  int64_t outer = 1, inner = 1;
  for (size_t i = 0; i < axis; ++i) outer *= x.dims[i];
  for (size_t i = axis + 1; i < x.dims.size(); ++i) inner *= x.dims[i];
  int64_t size = x.dims[axis];
  int64_t count = indices.elements;
  size_t row = static_cast<size_t>(inner) * sizeOf(x.dtype);
  DataType type = indices.dtype;
  std::string label = builder.step().label();
  Operand from = builder.read(0, Layout::rowMajor(x.dims, x.dtype));
  Operand which = builder.read(1, Layout::rowMajor(indices.dims, indices.dtype));
  Operand to = builder.write(Layout::rowMajor(y.dims, y.dtype));
  builder.call("gather", {from, which, to}, [=](void* const* pointers, RunContext&) {
    std::vector<int64_t> rows(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      int64_t index = type == DataType::kInt64 ? static_cast<const int64_t*>(pointers[1])[i]
                                               : static_cast<const int32_t*>(pointers[1])[i];
      if (index < -size || index >= size) {
        throw Error(Code::kInvalidFeed, text(label, ": index ", index, " is outside an axis of ", size, "."));
      }
      rows[static_cast<size_t>(i)] = index < 0 ? index + size : index;
    }
    auto* source = static_cast<const uint8_t*>(pointers[0]);
    auto* destination = static_cast<uint8_t*>(pointers[2]);
    size_t grain = std::max<size_t>(1, 65536 / row);
    parallelFor(static_cast<size_t>(outer * count), grain, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        size_t block = i / static_cast<size_t>(count);
        size_t from =
            block * static_cast<size_t>(size) + static_cast<size_t>(rows[i % static_cast<size_t>(count)]);
        std::memcpy(destination + i * row, source + from * row, row);
      }
    });
  });
}

}  // namespace

void addGather(Registry& registry) {
  Kernel kernel;
  kernel.name = "gather";
  kernel.leastSources = 2;
  kernel.build = buildGather;
  registry.add(kernel);
}

}  // namespace calibr8
