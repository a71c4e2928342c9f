#include "kernels/families.h"
#include "kernels/product.h"

namespace calibr8 {

using onednn::Layout;

namespace {

Product describe(const StepView& step) {
  const Value& x = step.source(0);
  const Value& weights = step.source(1);
  const Value& y = step.destination();
  step.requireRank(x, 2);
  step.requireRank(weights, 2);
  step.requireRank(y, 2);
  bool transposed = step.params().integer("transposeWeights") != 0;
  int64_t channels = y.dims[1];
  Dims wanted = transposed ? Dims{channels, x.dims[1]} : Dims{x.dims[1], channels};
  step.require(weights.dims == wanted && x.dims[0] == y.dims[0], "weights ", calibr8::describe(weights.dims),
               " do not fit ", calibr8::describe(x.dims), " -> ", calibr8::describe(y.dims), ".");
  Product product;
  product.scaling = readScaling(step, channels, transposed ? 0 : 1);
  product.postOps = readPostOps(step);
  product.bias = readBiasIndex(step, channels);
  product.multiplyAdds = static_cast<double>(x.dims[0]) * static_cast<double>(weights.elements);
  Dims shape = {channels, x.dims[1]};
  product.weights = transposed ? Layout::rowMajor(shape, weights.dtype)
                               : Layout::strided(shape, weights.dtype, {1, channels});
  StepView view = step;
  product.make = [=](const Variant& variant, const onednn::Scaling& scaling,
                     const std::vector<onednn::PostOp>& postOps, const Layout& destination) {
    onednn::InnerProductSpec spec;
    spec.source =
        Layout::any(view.source(0).dims, variant.realSources ? DataType::kFloat32 : view.source(0).dtype);
    spec.weights = Layout::any(shape, variant.realSources ? DataType::kFloat32 : view.source(1).dtype);
    spec.destination = destination;
    spec.bias = product.bias >= 0;
    spec.scaling = scaling;
    spec.postOps = postOps;
    return onednn::makeInnerProduct(view.device(), spec);
  };
  return product;
}

}  // namespace

void addInnerProduct(Registry& registry) {
  Kernel kernel;
  kernel.name = "inner_product";
  kernel.leastSources = 2;
  kernel.postOps = true;
  kernel.wish = [](const StepView& step, size_t source) {
    return wishOfProduct(step, describe(step), source);
  };
  kernel.build = [](StepBuilder& builder) { buildProduct(builder, describe(builder)); };
  registry.add(kernel);
}

}  // namespace calibr8
