#include "kernels/depthwise.h"

namespace calibr8 {

bool buildDepthwise(StepBuilder& builder, const ConvolutionGeometry& geometry, const Product& product) {
  auto shape = depthwiseShapeOf(builder, geometry);
  // What is packed in advance must be known.
  if (!shape || !builder.isConstant(1)) return false;
  if (product.bias >= 0 && !builder.isConstant(static_cast<size_t>(product.bias))) return false;
  return buildInt8Depthwise(builder, *shape, product) || buildFloatDepthwise(builder, *shape, product);
}

}  // namespace calibr8
