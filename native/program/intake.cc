#include "program/intake.h"

#include <vector>

#include "copy.h"
#include "thread_count.h"

namespace calibr8 {
namespace {

/** Calls visit(operation, step, index, operand) for each operand of the program; outputs have step -1. */
template <typename Visit>
void forEachOperand(const Program& program, const Visit& visit) {
  for (size_t s = 0; s < program.steps.size(); ++s) {
    const std::vector<Operation>& operations = program.steps[s].operations;
    for (size_t o = 0; o < operations.size(); ++o) {
      for (const Operand& operand : operations[o].operands) visit(static_cast<int32_t>(s), o, operand);
    }
  }
  for (const Operation& operation : program.outputs) {
    for (const Operand& operand : operation.operands) visit(-1, 0, operand);
  }
}

bool isWholeValue(const Operand& operand) {
  return operand.place == Operand::Place::kValue && operand.offset == 0;
}

}  // namespace

void findIntakes(Program& program) {
  std::vector<int> readers(program.values.size(), 0);
  std::vector<Intake> last(program.values.size());
  forEachOperand(program, [&](int32_t step, size_t operation, const Operand& operand) {
    if (operand.place != Operand::Place::kValue) return;
    size_t root = static_cast<size_t>(program.values[static_cast<size_t>(operand.index)].root);
    ++readers[root];
    last[root] = {step, operation, -1};
  });
  program.intakes.assign(program.plan.inputs.size(), {});
  for (size_t i = 0; i < program.plan.inputs.size(); ++i) {
    size_t input = static_cast<size_t>(program.plan.inputs[i]);
    Intake found = last[input];
    if (readers[input] != 1 || found.step < 0) continue;
    const Operation& operation = program.steps[static_cast<size_t>(found.step)].operations[found.operation];
    if (!operation.conversion) continue;
    const Operand& from = operation.operands[0];
    const Operand& to = operation.operands[1];
    if (!isWholeValue(from) || !isWholeValue(to)) continue;
    const ValuePlace& place = program.values[static_cast<size_t>(to.index)];
    if (place.root != to.index || place.birth != found.step) continue;
    program.intakes[i] = {found.step, found.operation, to.index};
  }
}

size_t intakeBytes(const Program& program, size_t index) {
  const Intake& intake = program.intakes[index];
  if (intake.value < 0) return program.plan.values[static_cast<size_t>(program.plan.inputs[index])].bytes();
  return program.values[static_cast<size_t>(intake.value)].bytes;
}

void takeIn(const Program& program, size_t index, const uint8_t* host, uint8_t* to) {
  const Intake& intake = program.intakes[index];
  size_t bytes = program.plan.values[static_cast<size_t>(program.plan.inputs[index])].bytes();
  if (intake.value < 0) return copyInput(to, host, bytes);
  const Operation& operation = program.steps[static_cast<size_t>(intake.step)].operations[intake.operation];
  Buffer aligned;
  if (reinterpret_cast<uintptr_t>(host) % sizeOf(operation.operands[0].layout.type()) != 0) {
    aligned = Buffer(bytes);
    copyInput(aligned.data(), host, bytes);
    host = aligned.data();
  }
  ThreadCount one(1);
  RunContext context;
  // The first operand is only read.
  void* pointers[] = {const_cast<uint8_t*>(host), to};
  operation.function(pointers, context);
}

}  // namespace calibr8
