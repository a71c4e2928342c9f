#ifndef CALIBR8_ROOFLINE_BINDING_H_
#define CALIBR8_ROOFLINE_BINDING_H_

#include <napi.h>

namespace calibr8 {

/** `measurePeaks(threads): Peaks` of lib/runtime/addon.ts. */
Napi::Value measurePeaksBinding(const Napi::CallbackInfo& info);

}  // namespace calibr8

#endif  // CALIBR8_ROOFLINE_BINDING_H_
