#include "kernels/strided.h"

#include <algorithm>
#include <cstring>

#include "kernels/parallel.h"

namespace calibr8 {
namespace {

/** Two dimensions of a copy; strides in elements. */
struct Plane {
  int64_t rows, sourceRow, destinationRow;
  int64_t count, sourceStep, destinationStep;
};

template <typename T>
void copyPlane(const uint8_t* source, uint8_t* destination, const Plane& plane) {
  auto* from = reinterpret_cast<const T*>(source);
  auto* to = reinterpret_cast<T*>(destination);
  for (int64_t r = 0; r < plane.rows; ++r, from += plane.sourceRow, to += plane.destinationRow) {
    if (plane.sourceStep == 1 && plane.destinationStep == 1) {
      std::memcpy(to, from, static_cast<size_t>(plane.count) * sizeof(T));
    } else {
      for (int64_t i = 0; i < plane.count; ++i) to[i * plane.destinationStep] = from[i * plane.sourceStep];
    }
  }
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
  size_t rank = dims.size();
  bool single = rank == 1;
  int64_t bytes = static_cast<int64_t>(size);
  int64_t rows = single ? 1 : dims[rank - 2];
  Plane whole{rows,
              single ? 0 : sourceStrides[rank - 2],
              single ? 0 : destinationStrides[rank - 2],
              dims.back(),
              sourceStrides.back(),
              destinationStrides.back()};
  std::ptrdiff_t outerRank = single ? 0 : static_cast<std::ptrdiff_t>(rank) - 2;
  Dims outer(dims.begin(), dims.begin() + outerRank);
  Dims outerSource(sourceStrides.begin(), sourceStrides.begin() + outerRank);
  Dims outerDestination(destinationStrides.begin(), destinationStrides.begin() + outerRank);
  // A piece is a group of rows of one plane.
  int64_t group = std::min(rows, std::max<int64_t>(1, 32768 / (whole.count * bytes)));
  int64_t groups = (rows + group - 1) / group;
  size_t pieces = static_cast<size_t>(countOf(outer) * groups);
  size_t grain = static_cast<size_t>(std::max<int64_t>(1, 32768 / (whole.count * bytes * group)));
  parallelFor(pieces, grain, [&](size_t begin, size_t end) {
    Odometer odometer(outer);
    for (size_t piece = begin; piece < end; ++piece) {
      odometer.seek(static_cast<int64_t>(piece) / groups);
      int64_t first = static_cast<int64_t>(piece) % groups * group;
      Plane plane = whole;
      plane.rows = std::min(group, rows - first);
      const uint8_t* from = source + (odometer.offset(outerSource) + first * plane.sourceRow) * bytes;
      uint8_t* to = destination + (odometer.offset(outerDestination) + first * plane.destinationRow) * bytes;
      if (bytes == 1) {
        copyPlane<uint8_t>(from, to, plane);
      } else if (bytes == 2) {
        copyPlane<uint16_t>(from, to, plane);
      } else if (bytes == 4) {
        copyPlane<uint32_t>(from, to, plane);
      } else {
        copyPlane<uint64_t>(from, to, plane);
      }
    }
  });
}

}  // namespace calibr8
