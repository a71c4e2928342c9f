#include "buffer.h"

#include <cstdlib>
#include <limits>
#include <new>
#include <utility>

namespace calibr8 {

Buffer::Buffer(size_t bytes) : size_(bytes) {
  if (bytes > static_cast<size_t>(std::numeric_limits<int64_t>::max()) - 2 * kAlignment)
    throw std::bad_alloc();
  // One line more than asked: oneDNN's kernels may prefetch or load past an end.
  data_ = static_cast<uint8_t*>(std::aligned_alloc(kAlignment, alignUp(bytes) + kAlignment));
  if (!data_) throw std::bad_alloc();
}

Buffer::~Buffer() { std::free(data_); }

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace calibr8
