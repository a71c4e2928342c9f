#ifndef CALIBR8_PLAN_PLAN_H_
#define CALIBR8_PLAN_PLAN_H_

#include <string>
#include <vector>

#include "plan/data_type.h"
#include "plan/params.h"

namespace calibr8 {

/** docs/plan.md in memory; decode() returns it only after every check has passed. */
enum class Kind : uint8_t { kTemporary = 0, kInput = 1, kConstant = 2 };

struct Value {
  std::string name;
  DataType dtype = DataType::kFloat32;
  Kind kind = Kind::kTemporary;
  Dims dims;
  std::vector<float> scales;
  /** Empty or as long as `scales`. */
  std::vector<int32_t> zeroPoints;
  int32_t axis = -1;
  int32_t constant = -1;
  int64_t elements = 0;

  bool quantized() const { return !scales.empty(); }
  bool perTensor() const { return scales.size() <= 1; }
  float scale() const { return scales.empty() ? 1.0f : scales[0]; }
  int32_t zeroPoint() const { return zeroPoints.empty() ? 0 : zeroPoints[0]; }
  bool hasZeroPoint() const;
  size_t bytes() const { return static_cast<size_t>(elements) * sizeOf(dtype); }
  bool sameQuantization(const Value& other) const;
};

struct PostOp {
  std::string kind;
  Params params;
};

struct Step {
  std::string kernel;
  std::string name;
  std::vector<int32_t> sources;
  std::vector<int32_t> destinations;
  Params params;
  std::vector<PostOp> postOps;

  /** For messages: `step 'conv1' (convolution)`. */
  std::string label() const { return "step '" + name + "' (" + kernel + ")"; }
};

struct Plan {
  std::vector<Value> values;
  std::vector<Step> steps;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
};

}  // namespace calibr8

#endif  // CALIBR8_PLAN_PLAN_H_
