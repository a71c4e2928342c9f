#ifndef CALIBR8_STAGING_H_
#define CALIBR8_STAGING_H_

#include <algorithm>
#include <mutex>
#include <vector>

#include "buffer.h"

namespace calibr8 {

/** Buffers for inputs, reused between runs: fresh pages would cost more than the copies. */
class StagingPool {
 public:
  Buffer take(size_t bytes) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      for (Buffer& buffer : free_) {
        if (buffer.size() < bytes || buffer.size() / 4 > bytes) continue;
        std::swap(buffer, free_.back());
        Buffer taken = std::move(free_.back());
        free_.pop_back();
        return taken;
      }
    }
    return Buffer(std::max<size_t>(bytes, kAlignment));
  }

  void give(Buffer buffer) {
    if (!buffer.data()) return;
    std::lock_guard<std::mutex> lock(mutex_);
    if (free_.size() < kMost) free_.push_back(std::move(buffer));
  }

 private:
  static constexpr size_t kMost = 16;
  std::mutex mutex_;
  std::vector<Buffer> free_;
};

}  // namespace calibr8

#endif  // CALIBR8_STAGING_H_
