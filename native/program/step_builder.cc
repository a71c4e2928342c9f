#include "program/step_builder.h"

#include <algorithm>

#include "kernels/strided.h"
#include "onednn/execution.h"
#include "program/compiler.h"
#include "program/convert.h"

namespace calibr8 {

using onednn::Layout;

namespace {

size_t bytesMovedBy(const Operation& operation) {
  size_t bytes = 0;
  for (size_t i = 0; i < operation.operands.size(); ++i) {
    bool scratchpad = !operation.arguments.empty() && operation.arguments[i] == onednn::kScratchpad;
    if (!scratchpad) bytes += operation.operands[i].layout.bytes();
  }
  return bytes;
}

}  // namespace

Layout StepBuilder::layout(size_t i) const {
  source(i);
  return compiler_.layoutOf(step_.sources[i]);
}

Operand StepBuilder::operandOf(int32_t value) { return compiler_.operandOf(value); }

Operand StepBuilder::read(size_t i) {
  source(i);
  return operandOf(step_.sources[i]);
}

Operand StepBuilder::read(size_t i, const Layout& wanted) {
  const Value& value = source(i);
  if (value.kind == Kind::kConstant) {
    Layout plain = Layout::rowMajor(value.dims, value.dtype);
    if (wanted == plain) return constant(i, plain, "copy", nullptr);
    if (!isNative(value.dtype) && wanted.isPlain()) {
      return constant(i, wanted, "strided", [&](const uint8_t* from, uint8_t* to) {
        StridedCopy copy{plain.dims(), plain.strides(), wanted.strides(), sizeOf(value.dtype)};
        copy.simplify();
        copy.run(from, to);
      });
    }
    return constant(i, wanted, "reorder", [&](const uint8_t* from, uint8_t* to) {
      auto reorder = onednn::makeReorder(device_, {plain, wanted});
      if (!reorder) throw Error(Code::kOnednn, step_.label() + ": oneDNN cannot reorder a constant.");
      onednn::runOnce(
          *reorder, device_,
          {{onednn::kSource, plain, const_cast<uint8_t*>(from)}, {onednn::kDestination, wanted, to}});
    });
  }
  Operand from = operandOf(step_.sources[i]);
  if (from.layout == wanted) {
    from.layout = wanted;
    return from;
  }
  Operand to = temporary(wanted);
  convert(*this, from, {}, to, {}, /*inserted=*/true);
  return to;
}

Operand StepBuilder::readReal(size_t i, const Layout& wanted) {
  const Value& value = source(i);
  if (value.dtype == DataType::kFloat32) return read(i, wanted);
  Operand to = temporary(wanted);
  convert(*this, read(i), Quantization::of(value), to, {}, /*inserted=*/true);
  return to;
}

Operand StepBuilder::constant(size_t i, const Layout& wanted, const std::string& what,
                              const std::function<void(const uint8_t*, uint8_t*)>& make) {
  const Value& value = source(i);
  require(value.kind == Kind::kConstant, "expected '", value.name, "' to be a constant.");
  return compiler_.addConstant(value, wanted, what, make);
}

Operand StepBuilder::write(const Layout& layout) {
  compiler_.setLayout(step_.destinations[0], layout);
  return operandOf(step_.destinations[0]);
}

Operand StepBuilder::temporary(const Layout& layout) {
  Operand operand{Operand::Place::kWorkspace, -1, workspace_, layout};
  workspace_ += alignUp(layout.bytes());
  return operand;
}

void StepBuilder::alias(size_t i, const Layout& layout) {
  source(i);
  compiler_.setAlias(step_.destinations[0], step_.sources[i], layout);
}

bool StepBuilder::reusable(size_t i) const { return compiler_.reusable(step_, i); }

Layout StepBuilder::preferred() const { return compiler_.preferred(step_.destinations[0]); }

void StepBuilder::call(const onednn::Description& description,
                       const std::vector<std::pair<int, Operand>>& arguments, bool inserted) {
  Operation operation;
  operation.implementation = description.implementation();
  operation.inserted = inserted;
  operation.primitive = description.create();
  for (const auto& [argument, operand] : arguments) {
    operation.arguments.push_back(argument);
    operation.operands.push_back(operand);
  }
  if (description.scratchpadBytes() > 0) {
    // Its place follows the step's temporaries: finish() adds the offset.
    operation.arguments.push_back(onednn::kScratchpad);
    operation.operands.push_back({Operand::Place::kWorkspace, -1, 0, description.scratchpad()});
    scratchpad_ = std::max(scratchpad_, alignUp(description.scratchpadBytes()));
  }
  out_.operations.push_back(std::move(operation));
}

void StepBuilder::call(const std::string& name, std::vector<Operand> operands, Function function,
                       bool inserted) {
  Operation operation;
  operation.implementation = "calibr8:" + name;
  operation.inserted = inserted;
  operation.function = std::move(function);
  operation.operands = std::move(operands);
  out_.operations.push_back(std::move(operation));
}

void StepBuilder::finish() {
  for (Operation& operation : out_.operations) {
    for (size_t i = 0; i < operation.arguments.size(); ++i) {
      if (operation.arguments[i] == onednn::kScratchpad) operation.operands[i].offset = workspace_;
    }
    out_.bytesMoved += bytesMovedBy(operation);
    if (operation.inserted) {
      out_.reorders.push_back(operation.implementation);
    } else {
      out_.implementation += (out_.implementation.empty() ? "" : "+") + operation.implementation;
    }
  }
  if (out_.implementation.empty()) out_.implementation = "none";
  out_.workspaceBytes = workspace_ + scratchpad_;
}

}  // namespace calibr8
