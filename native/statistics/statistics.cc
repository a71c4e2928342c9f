#include "statistics/statistics.h"

#include <algorithm>
#include <cmath>

namespace calibr8 {

template <typename Count>
void Histogram<Count>::clear() {
  if (range != 0) std::fill_n(slots.begin(), used(), Count{0});
  negative = false;
  range = 0;
  zeros = 0;
}

template <typename Count>
void Histogram<Count>::widen(double wanted) {
  if (slots.empty()) slots.assign(2 * kBins, 0);
  if (range == 0) range = wanted;
  while (range < wanted) {
    for (size_t side : {size_t{0}, kBins}) {
      Count* bins = slots.data() + side;
      for (size_t i = 0; i < kBins / 2; ++i) bins[i] = bins[2 * i] + bins[2 * i + 1];
      std::fill(bins + kBins / 2, bins + kBins, Count{0});
    }
    range *= 2;
  }
}

template <typename Count>
template <typename Other>
void Histogram<Count>::merge(const Histogram<Other>& other) {
  zeros += other.zeros;
  if (other.range == 0) return;
  widen(std::max(range, other.range));
  negative = negative || other.negative;
  if (other.range == range) {
    for (size_t i = 0; i < other.used(); ++i) slots[i] += other.slots[i];
    return;
  }
  int shift = static_cast<int>(std::log2(range / other.range));
  for (size_t side : {size_t{0}, kBins}) {
    for (size_t i = 0; i < kBins; ++i) {
      size_t bin = shift > 16 ? 0 : i >> shift;
      slots[side + bin] += other.slots[side + i];
    }
  }
}

template struct Histogram<uint32_t>;
template struct Histogram<uint64_t>;
template void Histogram<uint32_t>::merge(const Histogram<uint32_t>&);
template void Histogram<uint64_t>::merge(const Histogram<uint32_t>&);
template void Histogram<uint64_t>::merge(const Histogram<uint64_t>&);

void Moments::merge(const Moments& other) {
  count += other.count;
  nonFinite += other.nonFinite;
  min = std::min(min, other.min);
  max = std::max(max, other.max);
  sum += other.sum;
  sumOfSquares += other.sumOfSquares;
}

double rangeFor(float magnitude) {
  // Bins of smaller ranges would be narrower than float32's normal numbers.
  constexpr int kLeastExponent = -100;
  int exponent;
  std::frexp(static_cast<double>(magnitude), &exponent);
  return std::ldexp(1.0, std::max(exponent, kLeastExponent));
}

}  // namespace calibr8
