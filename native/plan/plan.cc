#include "plan/plan.h"

namespace calibr8 {

bool Value::hasZeroPoint() const {
  for (int32_t point : zeroPoints) {
    if (point != 0) return true;
  }
  return false;
}

bool Value::sameQuantization(const Value& other) const {
  if (dtype != other.dtype || scales != other.scales) return false;
  if (scales.size() > 1 && axis != other.axis) return false;
  if (hasZeroPoint() || other.hasZeroPoint()) return zeroPoints == other.zeroPoints;
  return true;
}

}  // namespace calibr8
