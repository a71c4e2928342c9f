#include <numeric>

#include "kernels/families.h"
#include "program/convert.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

void checkMove(const StepView& step) {
  const Value& x = step.source(0);
  const Value& y = step.destination();
  step.require(x.dtype == y.dtype && x.elements == y.elements, "'", x.name, "' ", describe(x.dims), " ",
               nameOf(x.dtype), " does not become '", y.name, "' ", describe(y.dims), " ", nameOf(y.dtype),
               ".");
}

void buildReshape(StepBuilder& builder) {
  checkMove(builder);
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  Layout wanted = Layout::rowMajor(y.dims, y.dtype);
  if (builder.layout(0).isRowMajor()) return builder.alias(0, wanted);
  Operand from = builder.read(0);
  Operand to = builder.write(wanted);
  to.layout = Layout::rowMajor(x.dims, x.dtype);
  convert(builder, from, {}, to, {}, /*inserted=*/false);
}

Dims readPermutation(const StepView& step) {
  size_t rank = step.source(0).dims.size();
  Dims permutation = step.params().integers("permutation", rank, 0, static_cast<int64_t>(rank) - 1);
  std::vector<bool> seen(rank, false);
  for (size_t i = 0; i < rank; ++i) {
    size_t from = static_cast<size_t>(permutation[i]);
    step.require(!seen[from] && step.source(0).dims[from] == step.destination().dims[i],
                 "the permutation does not give ", describe(step.destination().dims), ".");
    seen[from] = true;
  }
  return permutation;
}

void buildTranspose(StepBuilder& builder) {
  checkMove(builder);
  const Value& y = builder.destination();
  builder.requireRank(y, builder.source(0).dims.size());
  Dims permutation = readPermutation(builder);
  if (permutation.empty()) return builder.alias(0, builder.layout(0));
  Layout current = builder.layout(0);
  Layout wanted = builder.preferred();
  if (!wanted.defined() || !wanted.isPlain()) wanted = Layout::rowMajor(y.dims, y.dtype);
  // Seen with other strides it may be what the consumer wants without moving an element.
  if (current.isPlain() && current.permuted(permutation).sameOrder(wanted)) {
    return builder.alias(0, current.permuted(permutation));
  }
  Operand from = builder.read(0);
  Operand to = builder.write(wanted.withType(y.dtype));
  // The same memory with the source's axes: one reorder transposes and changes the layout.
  Dims inverse(permutation.size());
  for (size_t i = 0; i < permutation.size(); ++i)
    inverse[static_cast<size_t>(permutation[i])] = static_cast<int64_t>(i);
  to.layout = to.layout.permuted(inverse);
  convert(builder, from, {}, to, {}, /*inserted=*/false);
}

}  // namespace

void addReshape(Registry& registry) {
  Kernel reshape;
  reshape.name = "reshape";
  reshape.build = buildReshape;
  registry.add(reshape);

  Kernel transpose;
  transpose.name = "transpose";
  transpose.build = buildTranspose;
  registry.add(transpose);
}

}  // namespace calibr8
