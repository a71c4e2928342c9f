#include "plan/verify.h"

#include <cmath>
#include <limits>

#include "error.h"

namespace calibr8 {
namespace {

// oneDNN's limit on dimensions, and its kernels' int arithmetic on each of them.
constexpr size_t kMaxRank = 12;
constexpr int64_t kMaxDim = std::numeric_limits<int32_t>::max();
// 2^40 elements: far more than fits, and no product of sizes and a few factors can overflow.
constexpr int64_t kMaxElements = int64_t{1} << 40;

void verifyDims(Value& value) {
  if (value.dims.size() > kMaxRank) {
    failPlan("Value '", value.name, "': expected at most ", kMaxRank, " dimensions but received ",
             value.dims.size());
  }
  // The product without zeros is limited too: strides of an empty tensor are still computed.
  int64_t product = 1;
  bool empty = false;
  for (int64_t dim : value.dims) {
    if (dim < 0 || dim > kMaxDim) {
      failPlan("Value '", value.name, "': dimension ", dim, " is outside 0 to ", kMaxDim, ".");
    }
    if (dim == 0) empty = true;
    int64_t factor = dim == 0 ? 1 : dim;
    if (product > kMaxElements / factor)
      failPlan("Value '", value.name, "': ", describe(value.dims), " is too large.");
    product *= factor;
  }
  value.elements = empty ? 0 : product;
}

void verifyQuantization(const Value& value) {
  size_t scales = value.scales.size();
  if (!value.zeroPoints.empty() && value.zeroPoints.size() != scales) {
    failPlan("Value '", value.name, "': ", scales, " scales but ", value.zeroPoints.size(), " zero points.");
  }
  for (float scale : value.scales) {
    if (!std::isfinite(scale) || scale <= 0)
      failPlan("Value '", value.name, "': scale ", scale, " is not positive.");
  }
  if (scales > 0 && value.dtype != DataType::kUint8 && value.dtype != DataType::kInt8 &&
      value.dtype != DataType::kInt32) {
    failPlan("Value '", value.name, "': data type ", nameOf(value.dtype), " cannot be quantized.");
  }
  if (scales > 1) {
    bool fits = value.axis >= 0 && static_cast<size_t>(value.axis) < value.dims.size() &&
                value.dims[value.axis] == static_cast<int64_t>(scales);
    if (!fits) failPlan("Value '", value.name, "': ", scales, " scales do not fit axis ", value.axis, ".");
  }
  int64_t low = value.dtype == DataType::kInt8 ? -128 : 0;
  if (!isInt8(value.dtype)) return;
  for (int32_t point : value.zeroPoints) {
    if (point < low || point > low + 255) {
      failPlan("Value '", value.name, "': zero point ", point, " is outside its data type.");
    }
  }
}

void verifyConstant(const Value& value, const std::vector<size_t>& constantBytes) {
  if (value.kind != Kind::kConstant) {
    if (value.constant != -1) failPlan("Value '", value.name, "': has constant data but is no constant.");
    return;
  }
  if (value.constant < 0 || static_cast<size_t>(value.constant) >= constantBytes.size()) {
    failPlan("Value '", value.name, "': constant ", value.constant, " of ", constantBytes.size(),
             " does not exist.");
  }
  size_t received = constantBytes[value.constant];
  if (received != value.bytes()) {
    failPlan("Value '", value.name, "': expected ", value.bytes(), " bytes of constant data but received ",
             received);
  }
}

class StepVerifier {
 public:
  explicit StepVerifier(Plan& plan) : plan_(plan), produced_(plan.values.size(), false) {
    for (size_t i = 0; i < plan.values.size(); ++i) produced_[i] = plan.values[i].kind == Kind::kConstant;
    for (int32_t input : plan.inputs) {
      if (!inRange(input)) failPlan("Plan input ", input, " is no value.");
      if (plan.values[input].kind != Kind::kInput) {
        failPlan("Value '", plan.values[input].name, "': listed as an input but is none.");
      }
      if (produced_[input]) failPlan("Value '", plan.values[input].name, "': listed twice as an input.");
      produced_[input] = true;
    }
  }

  void check(const Step& step) {
    for (int32_t source : step.sources) {
      if (source == -1) continue;
      if (!inRange(source)) failPlan(step.label(), ": source ", source, " is no value.");
      if (!produced_[source]) {
        failPlan(step.label(), ": source '", plan_.values[source].name, "' is read before it is produced.");
      }
    }
    for (int32_t destination : step.destinations) {
      if (!inRange(destination)) failPlan(step.label(), ": destination ", destination, " is no value.");
      const Value& value = plan_.values[destination];
      if (value.kind != Kind::kTemporary)
        failPlan(step.label(), ": '", value.name, "' cannot be a destination.");
      if (produced_[destination]) failPlan(step.label(), ": '", value.name, "' is produced twice.");
      produced_[destination] = true;
    }
  }

  void checkOutput(int32_t output) const {
    if (!inRange(output)) failPlan("Plan output ", output, " is no value.");
    if (!produced_[output])
      failPlan("Value '", plan_.values[output].name, "': an output that no step produces.");
  }

 private:
  bool inRange(int32_t index) const { return index >= 0 && static_cast<size_t>(index) < plan_.values.size(); }

  Plan& plan_;
  std::vector<bool> produced_;
};

}  // namespace

void verify(Plan& plan, const std::vector<size_t>& constantBytes) {
  for (Value& value : plan.values) {
    verifyDims(value);
    verifyQuantization(value);
    verifyConstant(value, constantBytes);
  }
  StepVerifier verifier(plan);
  for (const Step& step : plan.steps) verifier.check(step);
  for (int32_t output : plan.outputs) verifier.checkOutput(output);
}

}  // namespace calibr8
