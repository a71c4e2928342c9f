#include "error.h"

namespace calibr8 {

const char* codeName(Code code) {
  switch (code) {
    case Code::kInvalidPlan:
      return "INVALID_PLAN";
    case Code::kOnednn:
      return "ONEDNN";
    case Code::kSessionClosed:
      return "SESSION_CLOSED";
    case Code::kInvalidFeed:
      return "INVALID_FEED";
    case Code::kInvalidArgument:
      return "INVALID_ARGUMENT";
  }
  return "INVALID_ARGUMENT";
}

}  // namespace calibr8
