#include "onednn/post_ops.h"

#include <map>

namespace calibr8::onednn {

std::optional<Function> functionOf(const std::string& name) {
  const std::map<std::string, Function> functions = {
      {"relu", Function::kRelu},
      {"clip", Function::kClip},
      {"logistic", Function::kLogistic},
      {"tanh", Function::kTanh},
      {"elu", Function::kElu},
      {"exp", Function::kExp},
      {"log", Function::kLog},
      {"sqrt", Function::kSqrt},
      {"abs", Function::kAbs},
      {"square", Function::kSquare},
      {"gelu_erf", Function::kGeluErf},
      {"gelu_tanh", Function::kGeluTanh},
      {"swish", Function::kSwish},
      {"hardswish", Function::kHardswish},
      {"mish", Function::kMish},
      {"hardsigmoid", Function::kHardsigmoid},
      {"soft_relu", Function::kSoftRelu},
      {"pow", Function::kPow},
      {"linear", Function::kLinear},
      {"round", Function::kRound},
  };
  auto found = functions.find(name);
  if (found == functions.end()) return std::nullopt;
  return found->second;
}

std::optional<BinaryFunction> binaryFunctionOf(const std::string& name) {
  const std::map<std::string, BinaryFunction> functions = {
      {"add", BinaryFunction::kAdd}, {"sub", BinaryFunction::kSub}, {"mul", BinaryFunction::kMul},
      {"div", BinaryFunction::kDiv}, {"max", BinaryFunction::kMax}, {"min", BinaryFunction::kMin},
      {"ge", BinaryFunction::kGe},   {"gt", BinaryFunction::kGt},   {"le", BinaryFunction::kLe},
      {"lt", BinaryFunction::kLt},   {"eq", BinaryFunction::kEq},   {"ne", BinaryFunction::kNe},
  };
  auto found = functions.find(name);
  if (found == functions.end()) return std::nullopt;
  return found->second;
}

}  // namespace calibr8::onednn
