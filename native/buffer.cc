#include "buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <limits>
#include <new>
#include <utility>

namespace calibr8 {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

Buffer::Buffer(size_t bytes) : size_(bytes) {
  if (bytes > static_cast<size_t>(std::numeric_limits<int64_t>::max()) - kHugePage) throw std::bad_alloc();
  bool huge = bytes >= 2 * kHugePage;
  size_t alignment = huge ? kHugePage : kAlignment;
  // One line more than asked: oneDNN's kernels may prefetch or load past an end.
  size_t rounded = (bytes + kAlignment + alignment - 1) / alignment * alignment;
  data_ = static_cast<uint8_t*>(std::aligned_alloc(alignment, rounded));
  if (!data_) throw std::bad_alloc();
  if (huge) madvise(data_, rounded, MADV_HUGEPAGE);
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
