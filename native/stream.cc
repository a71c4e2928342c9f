#include "stream.h"

#include <omp.h>

#include <chrono>
#include <utility>

#include "affinity.h"
#include "spin.h"
#include "thread_count.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace calibr8 {
namespace {

/** Denormal numbers take a hundred times longer and mean nothing here. */
void flushDenormals() {
#if defined(__x86_64__)
  _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
  _MM_SET_DENORMALS_ZERO_MODE(_MM_DENORMALS_ZERO_ON);
#endif
}

/** Flushes them on the host's thread, which is not ours, for as long as this lives. */
class FlushedDenormals {
 public:
  FlushedDenormals() { flushDenormals(); }
#if defined(__x86_64__)
  ~FlushedDenormals() { _mm_setcsr(before_); }
#endif
  FlushedDenormals(const FlushedDenormals&) = delete;
  FlushedDenormals& operator=(const FlushedDenormals&) = delete;

 private:
#if defined(__x86_64__)
  unsigned before_ = _mm_getcsr();
#endif
};

/**
 * Starts the calling thread's team, if it has none yet, and flushes them on all of its threads. Those of the
 * host's thread keep it: to set it back would mean to wait for all of them after each run. Other users of
 * OpenMP on that thread have the same ones.
 */
void prepareTeam() {
#pragma omp parallel
  flushDenormals();
}

/**
 * How long a stream that ran dry looks for work before it sleeps. A caller that awaits one run and starts the
 * next is back within that time, and waking a sleeping thread takes as long again, more in a virtual machine.
 */
constexpr auto kSpin = std::chrono::microseconds(200);

}  // namespace

Streams::Streams(size_t count, int threadsPerStream, std::vector<int> processors, bool spin,
                 const onednn::Device& device)
    : count_(count),
      threadsPerStream_(threadsPerStream),
      processors_(std::move(processors)),
      spins_(spin),
      device_(device) {
  try {
    for (size_t i = 0; i < count; ++i) threads_.emplace_back(&Streams::work, this, i, threadsPerStream_);
  } catch (...) {
    stop();
    throw;
  }
}

void Streams::submit(Job job) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    jobs_.push_back(std::move(job));
    waiting_.store(jobs_.size(), std::memory_order_release);
  }
  wake_.notify_one();
}

bool Streams::runHere(const Job& job) {
  if (count_ > 1) return false;
  ThreadCount own(threadsPerStream_);
  FlushedDenormals flushed;
  if (!here_) {
    here_.emplace(device_);
    prepareTeam();
  }
  StreamContext context{0, *here_, stop_};
  job(context);
  return true;
}

void Streams::stop() {
  std::deque<Job> dropped;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    dropped.swap(jobs_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Streams::work(size_t index, int threads) {
  // Before there is a team, whose threads inherit it, as do those that libgomp ends and starts again.
  if (!processors_.empty()) {
    auto first = processors_.begin() + static_cast<std::ptrdiff_t>(index * static_cast<size_t>(threads));
    pinThread({first, first + threads});
  }
  omp_set_dynamic(0);
  omp_set_num_threads(threads);
  prepareTeam();

  onednn::Lane lane(device_);
  StreamContext context{index, lane, stop_};
  while (true) {
    Job job;
    if (spins_) spinUntil([this] { return waiting_.load(std::memory_order_acquire) > 0 || stop_; }, kSpin);
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
      if (stop_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
      waiting_.store(jobs_.size(), std::memory_order_release);
    }
    job(context);
  }
}

}  // namespace calibr8
