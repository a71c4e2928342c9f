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
  Operand from = builder.read(0);
  if (builder.reusable(0)) {
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
