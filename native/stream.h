#ifndef CALIBR8_STREAM_H_
#define CALIBR8_STREAM_H_

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "onednn/execution.h"

namespace calibr8 {

/** What a job finds on the stream that runs it. */
struct StreamContext {
  size_t index;
  onednn::Lane& lane;
  /** Set when nobody waits for results any more. */
  const std::atomic<bool>& stop;
};

/**
 * A session's threads. Each takes the next job when it is free and has an OpenMP team of its own, which it
 * keeps, so that teams never multiply. No N-API here.
 */
class Streams {
 public:
  using Job = std::function<void(StreamContext&)>;

  /**
   * `processors` are those of each stream in turn, or empty: then threads go where the system puts them.
   * Streams may look for work without sleeping where they `spin`.
   */
  Streams(size_t count, int threadsPerStream, std::vector<int> processors, bool spin,
          const onednn::Device& device);
  ~Streams() { stop(); }
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  size_t count() const { return count_; }
  /** Jobs must not throw. */
  void submit(Job job);
  /**
   * Does a job on the caller's thread, with a team of its own, as the stream would, and returns true; false
   * where there is more than one stream. The caller knows that no other job is under way; what it throws is
   * the caller's.
   */
  bool runHere(const Job& job);
  /** Drops waiting jobs, tells the running ones to give up, and joins the threads. Idempotent. */
  void stop();

 private:
  void work(size_t index, int threads);
  size_t count_;
  int threadsPerStream_;
  std::vector<int> processors_;
  bool spins_;
  const onednn::Device& device_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::atomic<size_t> waiting_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
  /** Of the caller's thread, once it has done a job. */
  std::optional<onednn::Lane> here_;
};

}  // namespace calibr8

#endif  // CALIBR8_STREAM_H_
