#ifndef CALIBR8_ROUNDING_BINDING_H_
#define CALIBR8_ROUNDING_BINDING_H_

#include <napi.h>

namespace calibr8 {

/** `roundWeights(problem): Promise<Int8Array>` of lib/runtime/addon.ts. Works on one of libuv's threads and
 * its team. */
Napi::Value roundWeightsBinding(const Napi::CallbackInfo& info);

}  // namespace calibr8

#endif  // CALIBR8_ROUNDING_BINDING_H_
