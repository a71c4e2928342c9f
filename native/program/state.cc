#include "program/state.h"

#include <algorithm>
#include <chrono>

#include "error.h"
#include "median.h"
#include "team.h"

namespace calibr8 {
namespace {

/** Smaller ones arrive too fast for a fetch to pay. */
constexpr size_t kLeastUpcoming = 16 << 10;

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) {
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

void checkStop(const std::atomic<bool>& stop) {
  if (stop.load(std::memory_order_relaxed))
    throw Error(Code::kSessionClosed, "The session was closed during a run.");
}

}  // namespace

State::State(std::shared_ptr<const Program> program, const Placement& placement, const onednn::Device& device)
    : program_(std::move(program)), arena_(placement.arenaBytes) {
  inputPositions_.assign(program_->values.size(), -1);
  for (size_t i = 0; i < program_->plan.inputs.size(); ++i) {
    inputPositions_[static_cast<size_t>(program_->plan.inputs[i])] = static_cast<int32_t>(i);
  }
  intakePositions_.assign(program_->values.size(), -1);
  for (size_t i = 0; i < program_->intakes.size(); ++i) {
    const Intake& intake = program_->intakes[i];
    if (intake.value >= 0) intakePositions_[static_cast<size_t>(intake.value)] = static_cast<int32_t>(i);
  }
  for (const ProgramStep& step : program_->steps) {
    firsts_.push_back(bounds_.size());
    for (const Operation& operation : step.operations) bind(operation, placement, device);
  }
  firsts_.push_back(bounds_.size());
  sections_ = sectionsOf(*program_);
  for (const Intake& intake : program_->intakes) {
    if (intake.value >= 0)
      bounds_[firsts_[static_cast<size_t>(intake.step)] + intake.operation].intake = true;
  }
  for (const Operation& operation : program_->outputs) {
    if (!operation.operands.empty()) bind(operation, placement, device);
  }
  findUpcoming();
  context_.observations = &observations_;
}

void State::findUpcoming() {
  Upcoming next;
  for (size_t step = program_->steps.size(); step-- > 0;) {
    const std::vector<Operation>& operations = program_->steps[step].operations;
    for (size_t i = operations.size(); i-- > 0;) {
      bounds_[firsts_[step] + i].upcoming = next;
      for (const Operand& operand : operations[i].operands) {
        if (operand.place != Operand::Place::kConstant) continue;
        const Buffer& constant = *program_->constants[static_cast<size_t>(operand.index)];
        if (constant.size() < kLeastUpcoming) continue;
        next = {constant.data(), constant.size()};
        // Weights come first; large biases are read later, and less.
        break;
      }
    }
  }
}

void State::bind(const Operation& operation, const Placement& placement, const onednn::Device& device) {
  Bound bound;
  std::vector<onednn::Bound> arguments;
  for (size_t i = 0; i < operation.operands.size(); ++i) {
    const Operand& operand = operation.operands[i];
    void* address = nullptr;
    switch (operand.place) {
      case Operand::Place::kValue: {
        size_t root = static_cast<size_t>(program_->values[static_cast<size_t>(operand.index)].root);
        if (int32_t input = inputPositions_[root]; input >= 0) {
          dynamics_.push_back(
              {bounds_.size(), i, Dynamic::Of::kInput, static_cast<size_t>(input), operand.offset, nullptr});
          break;
        }
        uint8_t* own = arena_.data() + placement.offsets[root];
        if (int32_t input = intakePositions_[root]; input >= 0) {
          dynamics_.push_back(
              {bounds_.size(), i, Dynamic::Of::kIntake, static_cast<size_t>(input), operand.offset, own});
        }
        address = own + operand.offset;
        break;
      }
      case Operand::Place::kConstant:
        // Operations only read constants.
        address = program_->constants[static_cast<size_t>(operand.index)]->data() + operand.offset;
        break;
      case Operand::Place::kWorkspace:
        address = arena_.data() + placement.workspaceOffset + operand.offset;
        break;
      case Operand::Place::kOutput:
        dynamics_.push_back({bounds_.size(), i, Dynamic::Of::kOutput, static_cast<size_t>(operand.index),
                             operand.offset, nullptr});
        break;
      case Operand::Place::kNone:
        break;
    }
    bound.pointers.push_back(address);
    if (!operation.arguments.empty()) arguments.push_back({operation.arguments[i], operand.layout, address});
  }
  if (operation.arguments.empty()) {
    bound.function = &operation.function;
  } else {
    bound.execution.emplace(operation.primitive, device, arguments);
  }
  bounds_.push_back(std::move(bound));
}

void State::rebind(const std::vector<void*>& inputs, const std::vector<void*>& outputs, Inputs state) {
  for (const Dynamic& dynamic : dynamics_) {
    bool inArena = dynamic.of == Dynamic::Of::kIntake && state == Inputs::kAsFed;
    const std::vector<void*>& given = dynamic.of == Dynamic::Of::kOutput ? outputs : inputs;
    auto* address = inArena ? dynamic.arena : static_cast<uint8_t*>(given[dynamic.index]);
    Bound& bound = bounds_[dynamic.bound];
    bound.pointers[dynamic.operand] = address + dynamic.offset;
    if (bound.execution) bound.execution->rebind(dynamic.operand, address + dynamic.offset);
  }
}

template <typename Step>
void State::runSections(const Step& step) {
  for (const Section& section : sections_) {
    auto steps = [&] {
      for (size_t i = section.first; i < section.last; ++i) step(i);
    };
    if (section.together && omp_get_max_threads() > 1) {
      withTeam(steps);
    } else {
      steps();
    }
  }
}

void State::executeStep(size_t step, onednn::Lane& lane, Inputs state) {
  for (size_t b = firsts_[step]; b < firsts_[step + 1]; ++b) {
    if (!bounds_[b].intake || state == Inputs::kAsFed) execute(b, lane);
  }
}

void State::execute(size_t index, onednn::Lane& lane) {
  Bound& bound = bounds_[index];
  if (bound.execution) {
    bound.execution->run(lane);
  } else {
    context_.upcoming = bound.upcoming;
    (*bound.function)(bound.pointers.data(), context_);
  }
}

void State::run(onednn::Lane& lane, const std::vector<void*>& inputs, const std::vector<void*>& outputs,
                const std::atomic<bool>& stop) {
  run(lane, inputs, outputs, Inputs::kTakenIn, stop);
}

void State::run(onednn::Lane& lane, const std::vector<void*>& inputs, const std::vector<void*>& outputs,
                Inputs state, const std::atomic<bool>& stop) {
  observations_.clear();
  rebind(inputs, outputs, state);
  runSections([&](size_t step) {
    checkStop(stop);
    executeStep(step, lane, state);
  });
  for (size_t b = firsts_.back(); b < bounds_.size(); ++b) execute(b, lane);
}

Profile State::profile(onednn::Lane& lane, const std::vector<void*>& inputs,
                       const std::vector<void*>& outputs, size_t runs, const std::atomic<bool>& stop) {
  size_t steps = firsts_.size() - 1;
  std::vector<std::vector<double>> times(steps);
  std::vector<double> totals;
  Clock::time_point first;
  auto timeSteps = [&] {
    observations_.clear();
    first = Clock::now();
    runSections([&](size_t step) {
      checkStop(stop);
      auto start = Clock::now();
      executeStep(step, lane, Inputs::kAsFed);
      times[step].push_back(since(start));
    });
  };
  if (runs == 1) {
    // As it comes, with caches as the caller left them: what the primitives of a single run cost.
    rebind(inputs, outputs, Inputs::kAsFed);
    auto start = Clock::now();
    timeSteps();
    for (size_t b = firsts_[steps]; b < bounds_.size(); ++b) execute(b, lane);
    totals.push_back(since(start));
    runs = 0;
  } else {
    run(lane, inputs, outputs, Inputs::kAsFed, stop);  // warms caches and the team up
  }
  // Both kinds in turn, so that noise on the machine meets both.
  for (size_t i = 0; i < runs; ++i) {
    auto start = Clock::now();
    run(lane, inputs, outputs, Inputs::kAsFed, stop);
    totals.push_back(since(start));
    timeSteps();
  }
  Profile result;
  for (auto& each : times) result.steps.push_back(median(each));
  result.total = median(totals);
  result.start = std::chrono::duration<double, std::nano>(first.time_since_epoch()).count();
  return result;
}

}  // namespace calibr8
