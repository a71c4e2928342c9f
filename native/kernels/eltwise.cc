#include "kernels/families.h"
#include "kernels/post_ops.h"

namespace calibr8 {

namespace {

void buildEltwise(StepBuilder& builder) {
  builder.requireFloat(builder.source(0));
  builder.requireFloat(builder.destination());
  builder.requireSameDims(builder.source(0), builder.destination());
  onednn::Eltwise eltwise = readEltwise(builder, builder.params());
  onednn::Layout layout = builder.layout(0);
  // Padded channels have to stay zero, which oneDNN's optimized code cannot keep with, say, exp.
  auto first = onednn::makeEltwise(builder.device(), layout, onednn::nativeFunctions(eltwise)[0]);
  if (!first || first->quality() == onednn::Quality::kReference) {
    layout = onednn::Layout::rowMajor(builder.source(0).dims, DataType::kFloat32);
  }
  Operand from = builder.read(0, layout);
  if (from.place == Operand::Place::kValue && builder.reusable(0)) {
    builder.alias(0, layout);
    addEltwiseCall(builder, eltwise, from, from);
  } else {
    addEltwiseCall(builder, eltwise, from, builder.write(layout));
  }
}

}  // namespace

void addEltwise(Registry& registry) {
  Kernel kernel;
  kernel.name = "eltwise";
  kernel.keepsLayout = true;
  kernel.build = buildEltwise;
  registry.add(kernel);
}

}  // namespace calibr8
