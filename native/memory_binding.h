#ifndef CALIBR8_MEMORY_BINDING_H_
#define CALIBR8_MEMORY_BINDING_H_

#include <napi.h>

namespace calibr8 {

/** `populate(memory)` of lib/runtime/addon.ts. */
Napi::Value populateBinding(const Napi::CallbackInfo& info);

}  // namespace calibr8

#endif  // CALIBR8_MEMORY_BINDING_H_
