#include "kernels/strided.h"

#include <algorithm>
#include <cstring>

#include "kernels/parallel.h"

namespace calibr8 {
namespace {

template <typename T>
void copyRow(const uint8_t* source, int64_t sourceStride, uint8_t* destination, int64_t destinationStride,
             int64_t count) {
  auto* from = reinterpret_cast<const T*>(source);
  auto* to = reinterpret_cast<T*>(destination);
  for (int64_t i = 0; i < count; ++i) to[i * destinationStride] = from[i * sourceStride];
}

}  // namespace

int64_t Odometer::offset(const Dims& strides) const {
  int64_t sum = 0;
  for (size_t i = 0; i < index_.size(); ++i) sum += index_[i] * strides[i];
  return sum;
}

void Odometer::seek(int64_t position) {
  for (size_t i = dims_.size(); i-- > 0;) {
    index_[i] = position % dims_[i];
    position /= dims_[i];
  }
}

void Odometer::next() {
  for (size_t i = dims_.size(); i-- > 0;) {
    if (++index_[i] < dims_[i]) return;
    index_[i] = 0;
  }
}

void StridedCopy::simplify() {
  Dims newDims, newSource, newDestination;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 1) continue;
    bool joins = !newDims.empty() && newSource.back() == sourceStrides[i] * dims[i] &&
                 newDestination.back() == destinationStrides[i] * dims[i];
    if (joins) {
      newDims.back() *= dims[i];
      newSource.back() = sourceStrides[i];
      newDestination.back() = destinationStrides[i];
    } else {
      newDims.push_back(dims[i]);
      newSource.push_back(sourceStrides[i]);
      newDestination.push_back(destinationStrides[i]);
    }
  }
  if (newDims.empty()) {
    newDims = {1};
    newSource = {1};
    newDestination = {1};
  }
  dims = newDims;
  sourceStrides = newSource;
  destinationStrides = newDestination;
}

void StridedCopy::run(const uint8_t* source, uint8_t* destination) const {
  int64_t count = dims.back();
  int64_t sourceStep = sourceStrides.back();
  int64_t destinationStep = destinationStrides.back();
  Dims outer(dims.begin(), dims.end() - 1);
  Dims outerSource(sourceStrides.begin(), sourceStrides.end() - 1);
  Dims outerDestination(destinationStrides.begin(), destinationStrides.end() - 1);
  int64_t bytes = static_cast<int64_t>(size);
  size_t rows = static_cast<size_t>(countOf(outer));
  size_t grain = std::max<size_t>(1, 32768 / static_cast<size_t>(count * bytes));
  parallelFor(rows, grain, [&](size_t begin, size_t end) {
    Odometer odometer(outer);
    odometer.seek(static_cast<int64_t>(begin));
    for (size_t row = begin; row < end; ++row, odometer.next()) {
      const uint8_t* from = source + odometer.offset(outerSource) * bytes;
      uint8_t* to = destination + odometer.offset(outerDestination) * bytes;
      if (sourceStep == 1 && destinationStep == 1) {
        std::memcpy(to, from, static_cast<size_t>(count * bytes));
      } else if (bytes == 1) {
        copyRow<uint8_t>(from, sourceStep, to, destinationStep, count);
      } else if (bytes == 4) {
        copyRow<uint32_t>(from, sourceStep, to, destinationStep, count);
      } else {
        copyRow<uint64_t>(from, sourceStep, to, destinationStep, count);
      }
    }
  });
}

}  // namespace calibr8
