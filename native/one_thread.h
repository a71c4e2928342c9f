#ifndef CALIBR8_ONE_THREAD_H_
#define CALIBR8_ONE_THREAD_H_

#include <omp.h>

namespace calibr8 {

/** The host's thread has an OpenMP team of its own, which work that is done on it must not start. */
class OneThread {
 public:
  OneThread() : threads_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(threads_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int threads_;
};

}  // namespace calibr8

#endif  // CALIBR8_ONE_THREAD_H_
