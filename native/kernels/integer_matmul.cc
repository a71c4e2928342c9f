#include <algorithm>

#include "kernels/families.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

/** Exact sums of products of bytes as they are stored, with batches that broadcast. */
void buildIntegerMatmul(StepBuilder& builder) {
  const Value& a = builder.source(0);
  const Value& b = builder.source(1);
  const Value& y = builder.destination();
  size_t rank = y.dims.size();
  builder.require(isInt8(a.dtype) && b.dtype == DataType::kInt8 && y.dtype == DataType::kInt32,
                  nameOf(a.dtype), " x ", nameOf(b.dtype), " does not give ", nameOf(y.dtype), ".");
  bool fits = rank >= 2 && a.dims.size() == rank && b.dims.size() == rank &&
              a.dims[rank - 1] == b.dims[rank - 2] && y.dims[rank - 2] == a.dims[rank - 2] &&
              y.dims[rank - 1] == b.dims[rank - 1];
  for (size_t i = 0; fits && i + 2 < rank; ++i) {
    fits = y.dims[i] == std::max(a.dims[i], b.dims[i]) && (a.dims[i] == y.dims[i] || a.dims[i] == 1) &&
           (b.dims[i] == y.dims[i] || b.dims[i] == 1);
  }
  builder.require(fits, describe(a.dims), " x ", describe(b.dims), " does not give ", describe(y.dims), ".");
  onednn::MatmulSpec spec;
  spec.source = Layout::rowMajor(a.dims, a.dtype);
  spec.weights = builder.isConstant(1) ? Layout::any(b.dims, b.dtype) : Layout::rowMajor(b.dims, b.dtype);
  spec.destination = Layout::rowMajor(y.dims, y.dtype);
  auto description = onednn::makeMatmul(builder.device(), spec);
  builder.require(description.has_value(), "oneDNN has no product of these types.");
  builder.setWork({static_cast<double>(y.elements) * static_cast<double>(a.dims.back()), true});
  Operand left = builder.read(0, spec.source);
  Operand right = builder.read(1, description->weights());
  builder.call(*description, {{onednn::kSource, left},
                              {onednn::kWeights, right},
                              {onednn::kDestination, builder.write(spec.destination)}});
}

}  // namespace

void addIntegerMatmul(Registry& registry) {
  Kernel kernel;
  kernel.name = "integer_matmul";
  kernel.leastSources = 2;
  kernel.build = buildIntegerMatmul;
  registry.add(kernel);
}

}  // namespace calibr8
