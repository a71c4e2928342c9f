#ifndef CALIBR8_BUFFER_H_
#define CALIBR8_BUFFER_H_

#include <cstddef>
#include <cstdint>

namespace calibr8 {

constexpr size_t kAlignment = 64;

inline size_t alignUp(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

/**
 * Has the system provide all pages of some memory that is about to be written, where it can do so at once: a
 * fault for each takes several times as long, in a virtual machine ten times.
 */
void populate(uint8_t* data, size_t bytes);

/** Uninitialized memory on a cache line's boundary. Throws std::bad_alloc. */
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t bytes);
  ~Buffer();
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace calibr8

#endif  // CALIBR8_BUFFER_H_
