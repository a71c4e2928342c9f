#ifndef CALIBR8_KERNELS_PARALLEL_H_
#define CALIBR8_KERNELS_PARALLEL_H_

#include <omp.h>

#include <algorithm>
#include <cstddef>

namespace calibr8 {

/** Calls body(begin, end) over [0, count) in pieces of `grain` (the last may be shorter), over the stream's
 * team. */
template <typename Body>
void parallelFor(size_t count, size_t grain, const Body& body) {
  size_t pieces = (count + grain - 1) / grain;
  if (pieces <= 1 || omp_get_max_threads() == 1) {
    for (size_t piece = 0; piece < pieces; ++piece) body(piece * grain, std::min(count, (piece + 1) * grain));
    return;
  }
#pragma omp parallel for schedule(static)
  for (size_t piece = 0; piece < pieces; ++piece) body(piece * grain, std::min(count, (piece + 1) * grain));
}

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_PARALLEL_H_
