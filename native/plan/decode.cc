#include "plan/decode.h"

#include "plan/reader.h"
#include "plan/verify.h"

namespace calibr8 {
namespace {

constexpr uint32_t kVersion = 1;

Value decodeValue(Reader& reader) {
  Value value;
  value.name = reader.word();
  uint8_t dtype = reader.read<uint8_t>();
  if (!isDataType(dtype)) failPlan("Value '", value.name, "': unknown data type ", int{dtype}, ".");
  value.dtype = static_cast<DataType>(dtype);
  uint8_t kind = reader.read<uint8_t>();
  if (kind > 2) failPlan("Value '", value.name, "': unknown kind ", int{kind}, ".");
  value.kind = static_cast<Kind>(kind);
  value.dims = reader.list<int64_t>();
  value.scales = reader.list<float>();
  value.zeroPoints = reader.list<int32_t>();
  value.axis = reader.read<int32_t>();
  value.constant = reader.read<int32_t>();
  return value;
}

Params decodeParams(Reader& reader, const std::string& owner) {
  Params params;
  params.setOwner(owner);
  uint32_t count = reader.count(6);
  for (uint32_t i = 0; i < count; ++i) {
    std::string key = reader.word();
    uint8_t tag = reader.read<uint8_t>();
    Param param;
    switch (tag) {
      case 0:
        param = reader.read<int64_t>();
        break;
      case 1:
        param = reader.read<double>();
        break;
      case 2:
        param = reader.list<int64_t>();
        break;
      case 3:
        param = reader.list<float>();
        break;
      case 4:
        param = reader.word();
        break;
      default:
        failPlan(owner, ": parameter '", key, "' has unknown tag ", int{tag}, ".");
    }
    if (!params.insert(key, std::move(param))) failPlan(owner, ": parameter '", key, "' is given twice.");
  }
  return params;
}

Step decodeStep(Reader& reader) {
  Step step;
  step.kernel = reader.word();
  step.name = reader.word();
  step.sources = reader.list<int32_t>();
  step.destinations = reader.list<int32_t>();
  step.params = decodeParams(reader, step.label());
  uint32_t count = reader.count(8);
  step.postOps.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    PostOp postOp;
    postOp.kind = reader.word();
    postOp.params = decodeParams(reader, text(step.label(), ", post-op ", i, " (", postOp.kind, ")"));
    step.postOps.push_back(std::move(postOp));
  }
  return step;
}

}  // namespace

Plan decode(const uint8_t* data, size_t size, const std::vector<size_t>& constantBytes) {
  Reader reader(data, size);
  for (char expected : {'C', '8', 'P', 'L'}) {
    if (reader.read<char>() != expected) failPlan("The plan does not start with 'C8PL'.");
  }
  uint32_t version = reader.read<uint32_t>();
  if (version != kVersion) failPlan("Expected plan version ", kVersion, " but received ", version, ".");

  Plan plan;
  uint32_t values = reader.count(26);
  plan.values.reserve(values);
  for (uint32_t i = 0; i < values; ++i) plan.values.push_back(decodeValue(reader));
  uint32_t steps = reader.count(24);
  plan.steps.reserve(steps);
  for (uint32_t i = 0; i < steps; ++i) plan.steps.push_back(decodeStep(reader));
  plan.inputs = reader.list<int32_t>();
  plan.outputs = reader.list<int32_t>();
  if (!reader.atEnd()) failPlan("The plan has ", size - reader.position(), " bytes after its end.");
  verify(plan, constantBytes);
  return plan;
}

}  // namespace calibr8
