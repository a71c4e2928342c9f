#ifndef CALIBR8_PROGRAM_STEP_VIEW_H_
#define CALIBR8_PROGRAM_STEP_VIEW_H_

#include <optional>
#include <string>

#include "error.h"
#include "onednn/primitive.h"
#include "plan/plan.h"

namespace calibr8 {

/** A step with the values that it names: what a kernel may know before layouts are decided. */
class StepView {
 public:
  StepView(const Plan& plan, const Step& step, const onednn::Device& device)
      : plan_(plan), step_(step), device_(device) {}

  const Step& step() const { return step_; }
  const Params& params() const { return step_.params; }
  const onednn::Device& device() const { return device_; }
  size_t sources() const { return step_.sources.size(); }
  bool hasSource(size_t i) const { return i < step_.sources.size() && step_.sources[i] >= 0; }
  /** Fails when the source is absent. */
  const Value& source(size_t i) const;
  const Value& destination() const { return plan_.values[step_.destinations[0]]; }
  bool isConstant(size_t i) const { return source(i).kind == Kind::kConstant; }

  template <typename... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    failPlan(step_.label(), ": ", parts...);
  }
  template <typename... Parts>
  void require(bool condition, const Parts&... parts) const {
    if (!condition) fail(parts...);
  }
  void requireFloat(const Value& value) const;
  void requireRank(const Value& value, size_t rank) const;
  void requireSameDims(const Value& a, const Value& b) const;
  /** A parameter that names an axis of `value`; negative counts from the end. */
  size_t axis(const Value& value, const std::string& key = "axis") const;

 protected:
  const Plan& plan_;
  const Step& step_;
  const onednn::Device& device_;
};

/** A scalar has rank 1 for kernels and oneDNN. */
Dims shapeOf(const Value& value);

}  // namespace calibr8

#endif  // CALIBR8_PROGRAM_STEP_VIEW_H_
