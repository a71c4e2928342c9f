#ifndef CALIBR8_MEDIAN_H_
#define CALIBR8_MEDIAN_H_

#include <algorithm>
#include <cstddef>
#include <vector>

namespace calibr8 {

/** The upper one of an even number of values, of which there must be some; leaves them in another order. */
inline double median(std::vector<double>& values) {
  auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace calibr8

#endif  // CALIBR8_MEDIAN_H_
