#ifndef CALIBR8_AFFINITY_H_
#define CALIBR8_AFFINITY_H_

#include <vector>

namespace calibr8 {

/** The greatest processor number that the kernel may have. */
constexpr int kMaxProcessor = 8191;

/**
 * Keeps the calling thread, and those that it starts later, on these processors. Changes nothing where the
 * system took them away from the process meanwhile: pinning is for speed alone.
 */
void pinThread(const std::vector<int>& processors);

}  // namespace calibr8

#endif  // CALIBR8_AFFINITY_H_
