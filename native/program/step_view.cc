#include "program/step_view.h"

namespace calibr8 {

const Value& StepView::source(size_t i) const {
  if (!hasSource(i)) fail("source ", i, " is missing.");
  return plan_.values[step_.sources[i]];
}

void StepView::requireFloat(const Value& value) const {
  require(value.dtype == DataType::kFloat32, "expected '", value.name, "' to be float32 but it is ",
          nameOf(value.dtype), ".");
}

void StepView::requireRank(const Value& value, size_t rank) const {
  require(value.dims.size() == rank, "expected '", value.name, "' to have ", rank, " dimensions but it has ",
          describe(value.dims), ".");
}

void StepView::requireSameDims(const Value& a, const Value& b) const {
  require(a.dims == b.dims, "'", a.name, "' is ", describe(a.dims), " but '", b.name, "' is ",
          describe(b.dims), ".");
}

size_t StepView::axis(const Value& value, const std::string& key) const {
  int64_t axis = params().integer(key);
  int64_t rank = static_cast<int64_t>(value.dims.size());
  require(axis >= -rank && axis < rank, "axis ", axis, " does not exist in ", describe(value.dims), ".");
  return static_cast<size_t>(axis < 0 ? axis + rank : axis);
}

Dims shapeOf(const Value& value) { return value.dims.empty() ? Dims{1} : value.dims; }

}  // namespace calibr8
