#ifndef CALIBR8_RESULTS_H_
#define CALIBR8_RESULTS_H_

#include <napi.h>

#include <exception>

#include "engine.h"
#include "roofline/peak.h"

namespace calibr8 {

// Plain structs as the JS values of lib/runtime/addon.ts; JS thread only.

Napi::Value toError(Napi::Env env, const std::exception_ptr& error);
Napi::Value toProgram(Napi::Env env, uint32_t id, const Program& program);
Napi::Value toProfile(Napi::Env env, const Profile& profile);
Napi::Value toStatistics(Napi::Env env, const Totals& totals);
Napi::Value toPending(Napi::Env env, const std::map<int64_t, Moments>& moments,
                      const std::map<int64_t, double>& ranges);
Napi::Value toPeaks(Napi::Env env, const Peaks& peaks);
Napi::Value toInfo(Napi::Env env);

}  // namespace calibr8

#endif  // CALIBR8_RESULTS_H_
