#include "kernels/families.h"
#include "program/convert.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

void buildReorder(StepBuilder& builder) {
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  builder.requireSameDims(x, y);
  Layout current = builder.layout(0);
  if (x.sameQuantization(y) && !builder.isConstant(0)) return builder.alias(0, current);
  // The consumers' wish decides: this step writes every element anyway.
  Layout wanted = builder.preferred();
  if (!wanted.defined()) {
    wanted = current;
    // int8 is channels-last everywhere else; blocks of 16 channels are for float32.
    if (isInt8(y.dtype) && !current.isPlain()) wanted = Layout::channelsLast(shapeOf(y), y.dtype);
  }
  if (!isNative(y.dtype) || y.dtype == DataType::kBool) wanted = Layout::rowMajor(y.dims, y.dtype);
  Operand from = builder.read(0);
  convert(builder, from, Quantization::of(x), builder.write(wanted.withType(y.dtype)), Quantization::of(y),
          false);
}

}  // namespace

void addReorder(Registry& registry) {
  Kernel kernel;
  kernel.name = "reorder";
  kernel.keepsLayout = true;
  kernel.build = buildReorder;
  registry.add(kernel);
}

}  // namespace calibr8
