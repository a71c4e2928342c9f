#ifndef CALIBR8_ARGUMENTS_H_
#define CALIBR8_ARGUMENTS_H_

#include <napi.h>

#include <string>
#include <vector>

#include "program/constants.h"
#include "program/program.h"

namespace calibr8 {

/** The bytes of an ArrayBufferView, valid as long as the view is alive and not detached. */
struct HostBytes {
  uint8_t* data = nullptr;
  size_t bytes = 0;
};

// Checks of JS arguments. All throw Error with code INVALID_ARGUMENT; none changes anything.

/** A whole number from `least` to `greatest`. */
int64_t toInteger(const Napi::Value& value, const char* name, int64_t least, int64_t greatest);
HostBytes toBytes(const Napi::Value& value, const char* name);
/** The elements of an array of views. */
std::vector<HostBytes> toViews(const Napi::Value& value, const char* name);
/** Constants of compile(): views, or { data, factors, inner }. */
std::vector<ConstantView> toConstants(const Napi::Value& value, const char* name);
/** Offsets of place(): whole numbers of bytes. */
Placement toPlacement(const Napi::CallbackInfo& info);

}  // namespace calibr8

#endif  // CALIBR8_ARGUMENTS_H_
