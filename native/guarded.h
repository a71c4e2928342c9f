#ifndef CALIBR8_GUARDED_H_
#define CALIBR8_GUARDED_H_

#include <napi.h>

#include <exception>

#include "results.h"

namespace calibr8 {

/** What `body` returns; turns our exceptions into JS ones. */
template <typename Body>
Napi::Value guarded(Napi::Env env, const Body& body) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw Napi::Error(env, toError(env, std::current_exception()));
  }
}

}  // namespace calibr8

#endif  // CALIBR8_GUARDED_H_
