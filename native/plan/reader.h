#ifndef CALIBR8_PLAN_READER_H_
#define CALIBR8_PLAN_READER_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "error.h"

namespace calibr8 {

/** Reads little-endian fields and never past the end: every read is checked, counts before they allocate. */
class Reader {
 public:
  Reader(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  template <typename T>
  T read() {
    require(sizeof(T));
    T value;
    std::memcpy(&value, data_ + position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }

  /** The count of a list whose elements take at least `leastBytes` each, so an absurd count cannot allocate.
   */
  uint32_t count(size_t leastBytes) {
    uint32_t count = read<uint32_t>();
    if (static_cast<uint64_t>(count) * leastBytes > size_ - position_) {
      failPlan("The plan ends early: a list of ", count, " elements at byte ", position_, " does not fit.");
    }
    return count;
  }

  template <typename T>
  std::vector<T> list() {
    std::vector<T> values(count(sizeof(T)));
    if (!values.empty()) std::memcpy(values.data(), data_ + position_, values.size() * sizeof(T));
    position_ += values.size() * sizeof(T);
    return values;
  }

  std::string word() {
    uint32_t length = count(1);
    std::string value(reinterpret_cast<const char*>(data_ + position_), length);
    position_ += length;
    return value;
  }

  size_t position() const { return position_; }
  bool atEnd() const { return position_ == size_; }

 private:
  void require(size_t bytes) const {
    if (bytes > size_ - position_) {
      failPlan("The plan ends early: ", bytes, " bytes are needed at byte ", position_, " of ", size_, ".");
    }
  }

  const uint8_t* data_;
  size_t size_;
  size_t position_ = 0;
};

}  // namespace calibr8

#endif  // CALIBR8_PLAN_READER_H_
