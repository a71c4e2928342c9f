#ifndef CALIBR8_KERNELS_PARALLEL_H_
#define CALIBR8_KERNELS_PARALLEL_H_

#include <omp.h>

#include <algorithm>
#include <cstddef>

#include "team.h"

namespace calibr8 {

/** Calls body(begin, end) over [0, count) in pieces of `grain` (the last may be shorter), over the stream's
 * team. */
template <typename Body>
void parallelFor(size_t count, size_t grain, const Body& body) {
  size_t pieces = (count + grain - 1) / grain;
  auto run = [&](size_t piece) { body(piece * grain, std::min(count, (piece + 1) * grain)); };
  if (pieces <= 1 || omp_get_max_threads() == 1) {
    for (size_t piece = 0; piece < pieces; ++piece) run(piece);
    return;
  }
  if (Team* team = Team::led()) {
    team->run(
        pieces, [](const void* own, size_t piece) { (*static_cast<const decltype(run)*>(own))(piece); },
        &run);
    return;
  }
#pragma omp parallel for schedule(static)
  for (size_t piece = 0; piece < pieces; ++piece) run(piece);
}

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_PARALLEL_H_
