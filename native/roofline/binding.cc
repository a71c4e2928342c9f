#include "roofline/binding.h"

#include "arguments.h"
#include "guarded.h"
#include "results.h"
#include "roofline/peak.h"

namespace calibr8 {

Napi::Value measurePeaksBinding(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return toPeaks(info.Env(), measurePeaks(static_cast<int>(toInteger(info[0], "threads", 1, 1024))));
  });
}

}  // namespace calibr8
