#ifndef CALIBR8_SPIN_H_
#define CALIBR8_SPIN_H_

#include <chrono>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace calibr8 {

/** Leaves the core's resources to a sibling thread for a moment. */
inline void pauseBriefly() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

/** Looks until `condition()` holds, without sleeping, for `longest` at most. */
template <typename Condition>
void spinUntil(const Condition& condition, std::chrono::microseconds longest) {
  auto until = std::chrono::steady_clock::now() + longest;
  while (!condition() && std::chrono::steady_clock::now() < until) pauseBriefly();
}

}  // namespace calibr8

#endif  // CALIBR8_SPIN_H_
