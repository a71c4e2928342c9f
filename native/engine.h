#ifndef CALIBR8_ENGINE_H_
#define CALIBR8_ENGINE_H_

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "program/constants.h"
#include "program/state.h"
#include "staging.h"
#include "stream.h"

namespace calibr8 {

/** A program with its place in memory and a state for each stream that has run it. */
struct PlacedProgram {
  std::shared_ptr<const Program> program;
  Placement placement;
  /** By stream; each stream touches its own alone. */
  std::vector<std::unique_ptr<State>> states;
  std::atomic<size_t> arenaBytes{0};
};

/** A run's memory: inputs copied from the host, outputs in its own buffers. */
struct RunBuffers {
  std::vector<Buffer> inputs;
  std::vector<void*> outputs;
};

/** A session without N-API: its programs, constants and statistics. Methods say on which thread they run. */
class Engine {
 public:
  explicit Engine(size_t streams) : streams_(streams) {}

  // On a stream's thread.
  std::shared_ptr<const Program> compile(const StreamContext& context, const std::vector<uint8_t>& plan,
                                         const std::vector<ConstantView>& constants);
  void run(StreamContext& context, PlacedProgram& placed, RunBuffers& buffers);
  Profile profile(StreamContext& context, PlacedProgram& placed, RunBuffers& buffers, size_t runs);

  // On the host's thread.
  uint32_t add(std::shared_ptr<const Program> program);
  void place(uint32_t id, Placement placement);
  /** Throws INVALID_ARGUMENT for an unknown or unplaced program. */
  std::shared_ptr<PlacedProgram> placed(uint32_t id) const;
  void dispose(uint32_t id);
  StagingPool& staging() { return staging_; }
  void commit();
  const Totals& totals() const { return totals_; }
  /** A copy of the last run's observations without histograms. */
  std::map<int64_t, Moments> pending(std::map<int64_t, double>* ranges) const;
  size_t nativeBytes() const;

  const onednn::Device& device() const { return device_; }
  size_t streams() const { return streams_; }

 private:
  struct Entry {
    std::shared_ptr<const Program> program;
    std::shared_ptr<PlacedProgram> placed;
  };

  const Entry& entry(uint32_t id) const;
  State& stateOf(const StreamContext& context, PlacedProgram& placed);

  onednn::Device device_;
  size_t streams_;
  ConstantStore constants_;
  StagingPool staging_;
  std::map<uint32_t, Entry> programs_;
  uint32_t nextId_ = 1;
  mutable std::mutex pendingMutex_;
  Observations pending_;
  Totals totals_;
};

}  // namespace calibr8

#endif  // CALIBR8_ENGINE_H_
