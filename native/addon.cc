#include <napi.h>

#include "environment.h"
#include "memory_binding.h"
#include "results.h"
#include "roofline/binding.h"
#include "rounding/binding.h"
#include "session.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new calibr8::Environment());  // deleted with the environment
  exports.Set("info",
              Napi::Function::New(
                  env, [](const Napi::CallbackInfo& call) { return calibr8::toInfo(call.Env()); }, "info"));
  exports.Set("populate", Napi::Function::New(env, calibr8::populateBinding, "populate"));
  exports.Set("Session", calibr8::Session::define(env));
  exports.Set("measurePeaks", Napi::Function::New(env, calibr8::measurePeaksBinding, "measurePeaks"));
  exports.Set("roundWeights", Napi::Function::New(env, calibr8::roundWeightsBinding, "roundWeights"));
  return exports;
}

}  // namespace

NODE_API_MODULE(calibr8, init)
