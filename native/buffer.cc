#include "buffer.h"

#include <cstdlib>
#include <limits>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace calibr8 {
namespace {

/** Smaller blocks come from memory that has its pages already. */
constexpr size_t kLarge = 128 << 10;
#if defined(__linux__)
/** MADV_POPULATE_WRITE, since Linux 5.14; older ones, and older headers, do not know it. */
constexpr int kPopulateWrite = 23;
#endif

}  // namespace

void populate(uint8_t* data, size_t bytes) {
#if defined(__linux__)
  auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  uintptr_t begin = (reinterpret_cast<uintptr_t>(data) + page - 1) / page * page;
  uintptr_t end = (reinterpret_cast<uintptr_t>(data) + bytes) / page * page;
  // Where it is refused, pages come one by one as they are written.
  if (begin < end) (void)madvise(reinterpret_cast<void*>(begin), end - begin, kPopulateWrite);
#else
  (void)data;
  (void)bytes;
#endif
}

Buffer::Buffer(size_t bytes) : size_(bytes) {
  if (bytes > static_cast<size_t>(std::numeric_limits<int64_t>::max()) - 2 * kAlignment)
    throw std::bad_alloc();
  // One line more than asked: oneDNN's kernels may prefetch or load past an end.
  data_ = static_cast<uint8_t*>(std::aligned_alloc(kAlignment, alignUp(bytes) + kAlignment));
  if (!data_) throw std::bad_alloc();
  if (bytes >= kLarge) populate(data_, bytes);
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
