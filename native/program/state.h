#ifndef CALIBR8_PROGRAM_STATE_H_
#define CALIBR8_PROGRAM_STATE_H_

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "onednn/execution.h"
#include "program/program.h"
#include "program/section.h"
#include "statistics/observations.h"

namespace calibr8 {

/** Median times of a program, nanoseconds. */
struct Profile {
  std::vector<double> steps;
  double total = 0;
  /** When the first step of the last timed run began, nanoseconds of the steady clock. */
  double start = 0;
};

/** As the host has them, or as takeIn() left them. */
enum class Inputs { kAsFed, kTakenIn };

/** What one run of a program needs and the next one reuses: the arena and every argument bound to an address
 * in it. */
class State {
 public:
  State(std::shared_ptr<const Program> program, const Placement& placement, const onednn::Device& device);

  /** Addresses in the plan's order: inputs as takeIn() left them, outputs. Gives up with SESSION_CLOSED once
   * `stop` is set. */
  void run(onednn::Lane& lane, const std::vector<void*>& inputs, const std::vector<void*>& outputs,
           const std::atomic<bool>& stop);
  /** Inputs as the host has them: conversions are timed as the steps that they are. */
  Profile profile(onednn::Lane& lane, const std::vector<void*>& inputs, const std::vector<void*>& outputs,
                  size_t runs, const std::atomic<bool>& stop);

  /** Of the last run. */
  Observations& observations() { return observations_; }
  size_t bytes() const { return arena_.size(); }

 private:
  struct Bound {
    std::optional<onednn::Execution> execution;
    const Function* function = nullptr;
    std::vector<void*> pointers;
    /** Done before the run where inputs were taken in. */
    bool intake = false;
    /** What its function may fetch ahead. */
    Upcoming upcoming;
  };
  /** An operand whose address changes with each run. */
  struct Dynamic {
    enum class Of { kInput, kIntake, kOutput };
    size_t bound;
    size_t operand;
    Of of;
    /** The input's or output's. */
    size_t index;
    size_t offset;
    /** Where the intake's result is when a step makes it. */
    uint8_t* arena;
  };

  void bind(const Operation& operation, const Placement& placement, const onednn::Device& device);
  void findUpcoming();
  void rebind(const std::vector<void*>& inputs, const std::vector<void*>& outputs, Inputs state);
  void run(onednn::Lane& lane, const std::vector<void*>& inputs, const std::vector<void*>& outputs,
           Inputs state, const std::atomic<bool>& stop);
  /** All steps, each by step(index), with a team where they share one. */
  template <typename Step>
  void runSections(const Step& step);
  void executeStep(size_t step, onednn::Lane& lane, Inputs state);
  void execute(size_t bound, onednn::Lane& lane);

  std::shared_ptr<const Program> program_;
  Buffer arena_;
  std::vector<Bound> bounds_;
  std::vector<Dynamic> dynamics_;
  /** The first of each step's operations in bounds_, and one past the last step's. */
  std::vector<size_t> firsts_;
  std::vector<Section> sections_;
  /** By value: the input, or the input whose intake makes it, or -1. */
  std::vector<int32_t> inputPositions_;
  std::vector<int32_t> intakePositions_;
  Observations observations_;
  RunContext context_;
};

}  // namespace calibr8

#endif  // CALIBR8_PROGRAM_STATE_H_
