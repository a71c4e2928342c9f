#include <algorithm>

#include "kernels/families.h"
#include "kernels/product.h"

namespace calibr8 {

using onednn::Layout;

namespace {

void checkShapes(const StepView& step) {
  const Dims& a = step.source(0).dims;
  const Dims& b = step.source(1).dims;
  const Dims& y = step.destination().dims;
  size_t rank = y.size();
  bool fits = rank >= 2 && a.size() == rank && b.size() == rank && a[rank - 1] == b[rank - 2] &&
              y[rank - 2] == a[rank - 2] && y[rank - 1] == b[rank - 1];
  for (size_t i = 0; fits && i + 2 < rank; ++i) {
    fits = y[i] == std::max(a[i], b[i]) && (a[i] == y[i] || a[i] == 1) && (b[i] == y[i] || b[i] == 1);
  }
  step.require(fits, calibr8::describe(a), " x ", calibr8::describe(b), " does not give ",
               calibr8::describe(y), ".");
}

Product describe(const StepView& step) {
  checkShapes(step);
  const Value& weights = step.source(1);
  const Dims& y = step.destination().dims;
  int64_t columns = y.back();
  Product product;
  product.scaling = readScaling(step, columns, static_cast<int>(y.size()) - 1);
  product.postOps = readPostOps(step);
  Layout bias;
  if (step.hasSource(2)) {
    product.bias = readBiasIndex(step, columns);
    Dims shape(y.size(), 1);
    shape.back() = columns;
    bias = Layout::rowMajor(shape, DataType::kFloat32);
  }
  product.multiplyAdds =
      static_cast<double>(step.destination().elements) * static_cast<double>(step.source(0).dims.back());
  product.weights = Layout::rowMajor(weights.dims, weights.dtype);
  StepView view = step;
  product.make = [=](const Variant& variant, const onednn::Scaling& scaling,
                     const std::vector<onednn::PostOp>& postOps, const Layout& destination) {
    const Value& a = view.source(0);
    const Value& b = view.source(1);
    DataType typeA = variant.realSources ? DataType::kFloat32 : a.dtype;
    DataType typeB = variant.realSources ? DataType::kFloat32 : b.dtype;
    onednn::MatmulSpec spec;
    // Computed matrices stay row-major, as their producers and consumers have them; only constants are worth
    // a reorder.
    spec.source = Layout::rowMajor(a.dims, typeA);
    spec.weights = b.kind == Kind::kConstant ? Layout::any(b.dims, typeB) : Layout::rowMajor(b.dims, typeB);
    spec.destination =
        destination.isAny() ? Layout::rowMajor(destination.dims(), destination.type()) : destination;
    spec.bias = bias;
    spec.scaling = scaling;
    spec.postOps = postOps;
    return onednn::makeMatmul(view.device(), spec);
  };
  return product;
}

}  // namespace

void addMatmul(Registry& registry) {
  Kernel kernel;
  kernel.name = "matmul";
  kernel.leastSources = 2;
  kernel.postOps = true;
  kernel.wish = [](const StepView& step, size_t source) {
    return wishOfProduct(step, describe(step), source);
  };
  kernel.build = [](StepBuilder& builder) { buildProduct(builder, describe(builder)); };
  registry.add(kernel);
}

}  // namespace calibr8
