#ifndef CALIBR8_PROGRAM_STEP_BUILDER_H_
#define CALIBR8_PROGRAM_STEP_BUILDER_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "program/program.h"
#include "program/step_view.h"

namespace calibr8 {

class Compiler;

/** What a kernel builds a step with: it reads sources and writes destinations in layouts of its choice. */
class StepBuilder : public StepView {
 public:
  StepBuilder(Compiler& compiler, const Plan& plan, const Step& step, const onednn::Device& device,
              ProgramStep& out)
      : StepView(plan, step, device), compiler_(compiler), out_(out) {}

  /** The layout that source i has now. */
  onednn::Layout layout(size_t i) const;
  /** Source i as it is. */
  Operand read(size_t i);
  /** Source i in this layout: inserts a reorder (or reorders a constant once) when it has another. */
  Operand read(size_t i, const onednn::Layout& wanted);
  /** Source i as real values in float32; `wanted` is a float32 layout. */
  Operand readReal(size_t i, const onednn::Layout& wanted);
  /** A constant source made ready by `make`, which fills `wanted.bytes()` from the constant's bytes; `what`
   * names it. */
  Operand constant(size_t i, const onednn::Layout& wanted, const std::string& what,
                   const std::function<void(const uint8_t* source, uint8_t* destination)>& make);
  /** The destination, in this layout. */
  Operand write(const onednn::Layout& layout);
  /** Memory in the workspace, valid within this step. */
  Operand temporary(const onednn::Layout& layout);

  /** Makes the destination share source i's storage, seen in `layout`. */
  void alias(size_t i, const onednn::Layout& layout);
  /** Whether source i's storage may be overwritten: nothing reads it later or through another source. */
  bool reusable(size_t i) const;
  /** The layout that the destination's consumers would like best; undefined when they do not care. */
  onednn::Layout preferred() const;

  /** Adds a primitive; its scratchpad comes from the workspace. */
  void call(const onednn::Description& description, const std::vector<std::pair<int, Operand>>& arguments,
            bool inserted = false);
  /** Adds a function of ours, shown as `calibr8:name`. */
  void call(const std::string& name, std::vector<Operand> operands, Function function, bool inserted = false);

  /** Tells how much arithmetic the step does; kernels that do little else than move data have none. */
  void setWork(const Work& work) { out_.work = work; }

  void add(Operation operation) { out_.operations.push_back(std::move(operation)); }

  /** Bytes of the workspace so far; called by the compiler when the kernel is done. */
  void finish();

 private:
  Operand operandOf(int32_t value);

  Compiler& compiler_;
  ProgramStep& out_;
  size_t workspace_ = 0;
  size_t scratchpad_ = 0;
};

}  // namespace calibr8

#endif  // CALIBR8_PROGRAM_STEP_BUILDER_H_
