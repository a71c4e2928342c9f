#ifndef CALIBR8_PLAN_VERIFY_H_
#define CALIBR8_PLAN_VERIFY_H_

#include <vector>

#include "plan/plan.h"

namespace calibr8 {

/** Fills in `elements` and throws INVALID_PLAN unless types, sizes, indices and the order of steps are
 * consistent. */
void verify(Plan& plan, const std::vector<size_t>& constantBytes);

}  // namespace calibr8

#endif  // CALIBR8_PLAN_VERIFY_H_
