#ifndef CALIBR8_THREAD_COUNT_H_
#define CALIBR8_THREAD_COUNT_H_

#include <omp.h>

namespace calibr8 {

/**
 * So many OpenMP threads for what is done on the host's thread, as long as this lives: the host may use
 * another number of them for itself.
 */
class ThreadCount {
 public:
  explicit ThreadCount(int threads) : threads_(omp_get_max_threads()), dynamic_(omp_get_dynamic()) {
    omp_set_dynamic(0);
    omp_set_num_threads(threads);
  }
  ~ThreadCount() {
    omp_set_num_threads(threads_);
    omp_set_dynamic(dynamic_);
  }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int threads_, dynamic_;
};

}  // namespace calibr8

#endif  // CALIBR8_THREAD_COUNT_H_
