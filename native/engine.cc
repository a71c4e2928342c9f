#include "engine.h"

#include "error.h"
#include "plan/decode.h"
#include "program/compiler.h"

namespace calibr8 {
namespace {

std::vector<void*> addresses(const std::vector<Buffer>& buffers) {
  std::vector<void*> result;
  for (const Buffer& buffer : buffers) result.push_back(buffer.data());
  return result;
}

}  // namespace

std::shared_ptr<const Program> Engine::compile(const StreamContext& context, const std::vector<uint8_t>& plan,
                                               const std::vector<ConstantView>& constants) {
  std::vector<size_t> bytes;
  for (const ConstantView& view : constants) bytes.push_back(view.bytes);
  Plan decoded = decode(plan.data(), plan.size(), bytes);
  return Compiler(std::move(decoded), constants, constants_, device_, context.stop).compile();
}

State& Engine::stateOf(const StreamContext& context, PlacedProgram& placed) {
  std::unique_ptr<State>& state = placed.states[context.index];
  if (!state) {
    state = std::make_unique<State>(placed.program, placed.placement, device_);
    placed.arenaBytes += state->bytes();
  }
  return *state;
}

void Engine::run(StreamContext& context, PlacedProgram& placed, RunBuffers& buffers) {
  State& state = stateOf(context, placed);
  state.run(context.lane, addresses(buffers.inputs), buffers.outputs, context.stop);
  for (Buffer& input : buffers.inputs) staging_.give(std::move(input));
  std::lock_guard<std::mutex> lock(pendingMutex_);
  // The pending observations of a run that was not committed go back to the state, which reuses their memory.
  std::swap(pending_, state.observations());
}

Profile Engine::profile(StreamContext& context, PlacedProgram& placed, RunBuffers& buffers, size_t runs) {
  State& state = stateOf(context, placed);
  Profile profile =
      state.profile(context.lane, addresses(buffers.inputs), buffers.outputs, runs, context.stop);
  state.observations().clear();
  return profile;
}

uint32_t Engine::add(std::shared_ptr<const Program> program) {
  uint32_t id = nextId_++;
  programs_[id] = {std::move(program), nullptr};
  return id;
}

const Engine::Entry& Engine::entry(uint32_t id) const {
  auto found = programs_.find(id);
  if (found == programs_.end()) throw Error(Code::kInvalidArgument, text("There is no program ", id, "."));
  return found->second;
}

void Engine::place(uint32_t id, Placement placement) {
  const Entry& found = entry(id);
  verifyPlacement(*found.program, placement);
  auto placed = std::make_shared<PlacedProgram>();
  placed->program = found.program;
  placed->placement = std::move(placement);
  placed->states.resize(streams_);
  // Runs under way keep the former one alive.
  programs_[id].placed = std::move(placed);
}

std::shared_ptr<PlacedProgram> Engine::placed(uint32_t id) const {
  const Entry& found = entry(id);
  if (!found.placed) throw Error(Code::kInvalidArgument, text("Program ", id, " has not been placed."));
  return found.placed;
}

void Engine::dispose(uint32_t id) {
  entry(id);
  programs_.erase(id);
}

void Engine::commit() {
  std::lock_guard<std::mutex> lock(pendingMutex_);
  merge(totals_, pending_);
  pending_.clear();
}

std::map<int64_t, Moments> Engine::pending(std::map<int64_t, double>* ranges) const {
  std::lock_guard<std::mutex> lock(pendingMutex_);
  std::map<int64_t, Moments> result;
  for (const auto& [observer, statistics] : pending_.entries()) {
    if (statistics.moments.count + statistics.moments.nonFinite == 0) continue;
    result[observer] = statistics.moments;
    (*ranges)[observer] = statistics.histogram.range;
  }
  return result;
}

size_t Engine::nativeBytes() const {
  size_t bytes = totals_.size() * 2 * kBins * sizeof(uint64_t);
  for (const auto& [id, entry] : programs_) {
    bytes += entry.program->constantBytes;
    if (entry.placed) bytes += entry.placed->arenaBytes;
  }
  std::lock_guard<std::mutex> lock(pendingMutex_);
  return bytes + pending_.bytes();
}

}  // namespace calibr8
