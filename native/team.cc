#include "team.h"

#include <sched.h>

#include <algorithm>

#include "spin.h"

namespace calibr8 {
namespace {

thread_local Team* ledTeam = nullptr;

/** Chunks for each thread: enough for others to take some when it is late. */
constexpr size_t kChunksPerThread = 16;
/** About ten microseconds, longer than most waits; after that each look costs a call of the system. */
constexpr int kPauses = 500;

constexpr uint64_t shareOf(uint32_t task, size_t next, size_t end) {
  return uint64_t{task} << 32 | uint64_t{next} << 16 | uint64_t{end};
}
constexpr uint32_t taskOf(uint64_t share) { return static_cast<uint32_t>(share >> 32); }
constexpr size_t nextOf(uint64_t share) { return share >> 16 & 0xffff; }
constexpr size_t endOf(uint64_t share) { return share & 0xffff; }

/** Without its first chunk, which its thread takes, or without its last, which is nearest to what others do.
 */
constexpr uint64_t withoutFirst(uint64_t share) { return share + (uint64_t{1} << 16); }
constexpr uint64_t withoutLast(uint64_t share) { return share - 1; }

template <typename Condition>
void waitFor(const Condition& condition) {
  for (int i = 0; !condition(); ++i) {
    if (i < kPauses) {
      pauseBriefly();
    } else {
      sched_yield();
    }
  }
}

}  // namespace

Team* Team::led() { return ledTeam; }

void Team::setLed(Team* team) { ledTeam = team; }

void Team::run(size_t pieces, Piece call, const void* context) {
  size_t threads = shares_.size();
  call_ = call;
  context_ = context;
  pieces_ = pieces;
  chunks_ = std::min({pieces, threads * kChunksPerThread, size_t{0xffff}});
  remaining_.store(chunks_, std::memory_order_relaxed);
  uint32_t task = task_.load(std::memory_order_relaxed) + 1;
  if (task == kDismissed) task = 1;
  for (size_t i = 0; i < threads; ++i) {
    uint64_t share = shareOf(task, chunks_ * i / threads, chunks_ * (i + 1) / threads);
    shares_[i].state.store(share, std::memory_order_release);
  }
  task_.store(task, std::memory_order_release);
  setLed(nullptr);
  work(0, task);
  setLed(this);
  waitFor([this] { return remaining_.load(std::memory_order_acquire) == 0; });
}

void Team::follow(int thread) {
  uint32_t seen = 0;
  while (true) {
    uint32_t task = seen;
    waitFor([&] { return (task = task_.load(std::memory_order_acquire)) != seen; });
    if (task == kDismissed) return;
    work(static_cast<size_t>(thread), task);
    seen = task;
  }
}

void Team::work(size_t thread, uint32_t task) noexcept {
  size_t done = 0;
  for (size_t i = 0; i < shares_.size(); ++i) {
    std::atomic<uint64_t>& state = shares_[(thread + i) % shares_.size()].state;
    uint64_t share = state.load(std::memory_order_relaxed);
    while (taskOf(share) == task && nextOf(share) < endOf(share)) {
      uint64_t rest = i == 0 ? withoutFirst(share) : withoutLast(share);
      if (!state.compare_exchange_weak(share, rest, std::memory_order_acquire, std::memory_order_relaxed))
        continue;
      size_t chunk = i == 0 ? nextOf(share) : endOf(rest);
      size_t end = pieces_ * (chunk + 1) / chunks_;
      for (size_t piece = pieces_ * chunk / chunks_; piece < end; ++piece) call_(context_, piece);
      ++done;
      share = state.load(std::memory_order_relaxed);
    }
  }
  if (done > 0) remaining_.fetch_sub(done, std::memory_order_release);
}

}  // namespace calibr8
