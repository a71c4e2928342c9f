#ifndef CALIBR8_PLAN_DECODE_H_
#define CALIBR8_PLAN_DECODE_H_

#include <cstdint>
#include <vector>

#include "plan/plan.h"

namespace calibr8 {

/** Decodes docs/plan.md's bytes and checks all that can be checked without knowing kernels. Throws
 * INVALID_PLAN. */
Plan decode(const uint8_t* data, size_t size, const std::vector<size_t>& constantBytes);

}  // namespace calibr8

#endif  // CALIBR8_PLAN_DECODE_H_
