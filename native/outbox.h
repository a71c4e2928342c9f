#ifndef CALIBR8_OUTBOX_H_
#define CALIBR8_OUTBOX_H_

#include <atomic>
#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

#include "spin.h"

namespace calibr8 {

/** What streams have finished and the host's thread has yet to take. */
template <typename Item>
class Outbox {
 public:
  // On a stream's thread.
  /** True where the host's thread has to be called; false where it is looking, and will find the item. */
  bool put(Item item) {
    std::lock_guard<std::mutex> lock(mutex_);
    items_.push_back(std::move(item));
    full_.store(true, std::memory_order_release);
    return !looking_;
  }

  // On the host's thread.
  std::vector<Item> take() {
    std::lock_guard<std::mutex> lock(mutex_);
    looking_ = false;
    full_.store(false, std::memory_order_relaxed);
    return std::exchange(items_, {});
  }
  /** Takes what is there, or waits without sleeping until there is something, for `longest` at most. */
  std::vector<Item> lookOut(std::chrono::microseconds longest) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      looking_ = true;
    }
    spinUntil([this] { return full_.load(std::memory_order_acquire); }, longest);
    return take();
  }

 private:
  std::mutex mutex_;
  std::vector<Item> items_;
  bool looking_ = false;
  std::atomic<bool> full_{false};
};

}  // namespace calibr8

#endif  // CALIBR8_OUTBOX_H_
