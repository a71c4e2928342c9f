#ifndef CALIBR8_PROGRAM_PROGRAM_H_
#define CALIBR8_PROGRAM_PROGRAM_H_

#include <memory>
#include <string>
#include <vector>

#include "buffer.h"
#include "plan/plan.h"
#include "program/operation.h"

namespace calibr8 {

/** Where the addon put a value. */
struct ValuePlace {
  onednn::Layout layout;
  /** The value whose storage this one shares, or -1. */
  int32_t alias = -1;
  /** The end of the chain of aliases: an input, a constant or a temporary that has storage. */
  int32_t root = -1;
  /** Bytes in the arena. */
  size_t bytes = 0;
  /** Steps between which the value has to keep its content: its producer and its last reader. */
  int32_t birth = -1;
  int32_t death = -1;
};

/** The products and sums of a convolution or matrix product. */
struct Work {
  double multiplyAdds = 0;
  /** Products of bytes rather than of floating-point numbers. */
  bool int8 = false;
};

struct ProgramStep {
  std::string name;
  std::string kernel;
  std::string implementation;
  std::vector<std::string> reorders;
  std::string dataTypes;
  size_t workspaceBytes = 0;
  /** What all operations read and write, each operand once; scratchpads apart. */
  size_t bytesMoved = 0;
  Work work;
  std::vector<Operation> operations;
};

/** The conversion that stands in for an input's copy (intake.h); `value`, its result, is -1 where there is
 * none. */
struct Intake {
  int32_t step = -1;
  size_t operation = 0;
  int32_t value = -1;
};

/** A compiled plan. Immutable, so that any number of streams may run it, each with a State of its own. */
struct Program {
  Plan plan;
  std::vector<ValuePlace> values;
  std::vector<ProgramStep> steps;
  /** For each of the plan's inputs. */
  std::vector<Intake> intakes;
  /** Copies each output into the host's memory, in plan order. */
  std::vector<Operation> outputs;
  std::vector<std::shared_ptr<const Buffer>> constants;
  size_t workspaceBytes = 0;
  size_t constantBytes = 0;
};

/** Offsets in the arena, as TypeScript planned them. */
struct Placement {
  std::vector<size_t> offsets;
  size_t workspaceOffset = 0;
  size_t arenaBytes = 0;
};

/** Throws INVALID_PLAN unless the offsets are aligned, in bounds, and keep apart all that lives at the same
 * time. */
void verifyPlacement(const Program& program, const Placement& placement);

}  // namespace calibr8

#endif  // CALIBR8_PROGRAM_PROGRAM_H_
