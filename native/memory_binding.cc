#include "memory_binding.h"

#include "arguments.h"
#include "buffer.h"
#include "results.h"

namespace calibr8 {

Napi::Value populateBinding(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  try {
    HostBytes memory = toBytes(info[0], "memory");
    populate(memory.data, memory.bytes);
    return env.Undefined();
  } catch (const Napi::Error& error) {
    throw;
  } catch (...) {
    throw Napi::Error(env, toError(env, std::current_exception()));
  }
}

}  // namespace calibr8
