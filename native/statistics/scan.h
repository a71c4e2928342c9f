#ifndef CALIBR8_STATISTICS_SCAN_H_
#define CALIBR8_STATISTICS_SCAN_H_

#include <cstddef>
#include <cstdint>

#include "statistics/statistics.h"

namespace calibr8 {

/** One pass over `count` elements. Sums do not depend on the processor: the lanes are fixed. */
Moments scanMoments(const float* data, size_t count);

/**
 * Adds finite non-zero elements to `slots` (2 x kBins) and returns how many they were. `scale` = kBins /
 * range; every |x| is below the range.
 */
size_t scanHistogram(const float* data, size_t count, float scale, uint32_t* slots);

}  // namespace calibr8

#endif  // CALIBR8_STATISTICS_SCAN_H_
