#include "stream.h"

#include <omp.h>

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

}  // namespace

Streams::Streams(size_t count, int threadsPerStream, const onednn::Device& device)
    : count_(count), device_(device) {
  try {
    for (size_t i = 0; i < count; ++i) threads_.emplace_back(&Streams::work, this, i, threadsPerStream);
  } catch (...) {
    stop();
    throw;
  }
}

void Streams::submit(Job job) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
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
  omp_set_dynamic(0);
  omp_set_num_threads(threads);
  flushDenormals();
#pragma omp parallel
  flushDenormals();

  onednn::Lane lane(device_);
  StreamContext context{index, lane, stop_};
  while (true) {
    Job job;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
      if (stop_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job(context);
  }
}

}  // namespace calibr8
