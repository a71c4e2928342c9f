#include "roofline/binding.h"

#include "arguments.h"
#include "results.h"
#include "roofline/peak.h"

namespace calibr8 {

Napi::Value measurePeaksBinding(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  try {
    return toPeaks(env, measurePeaks(static_cast<int>(toInteger(info[0], "threads", 1, 1024))));
  } catch (const Napi::Error& error) {
    throw;
  } catch (...) {
    throw Napi::Error(env, toError(env, std::current_exception()));
  }
}

}  // namespace calibr8
