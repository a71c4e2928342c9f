#ifndef CALIBR8_STATISTICS_STATISTICS_H_
#define CALIBR8_STATISTICS_STATISTICS_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace calibr8 {

/** Bins a side. */
constexpr size_t kBins = 32768;

/** A histogram over (-range, range) with zeros counted apart. `Count` is uint32_t for a run, uint64_t for
 * totals. */
template <typename Count>
struct Histogram {
  /** A power of two, or 0 before anything but zeros was seen. */
  double range = 0;
  uint64_t zeros = 0;
  /** False while the second half of the slots is all zero, as after a ReLU, and need not be visited. */
  bool negative = false;
  /** kBins of x > 0, then kBins of x < 0; empty while range is 0. */
  std::vector<Count> slots;

  void clear();
  size_t used() const { return negative ? 2 * kBins : kBins; }
  /** Doubles the range until it is `wanted`: pairs of bins become one. */
  void widen(double wanted);
  template <typename Other>
  void merge(const Histogram<Other>& other);
};

/** What is known of all elements that an observer has seen. Non-finite ones are in no figure but their own.
 */
struct Moments {
  uint64_t count = 0;
  uint64_t nonFinite = 0;
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
  double sum = 0;
  double sumOfSquares = 0;

  void merge(const Moments& other);
};

template <typename Count>
struct Statistics {
  Moments moments;
  Histogram<Count> histogram;

  void clear() {
    moments = {};
    histogram.clear();
  }
  template <typename Other>
  void merge(const Statistics<Other>& other) {
    moments.merge(other.moments);
    histogram.merge(other.histogram);
  }
};

/** The least power of two above `magnitude` > 0: no element lies on the border, so widening and merging are
 * exact. */
double rangeFor(float magnitude);

}  // namespace calibr8

#endif  // CALIBR8_STATISTICS_STATISTICS_H_
