#include "environment.h"

#include "session.h"

namespace calibr8 {

void Environment::add(Napi::Env env, Session* session) {
  sessions_.insert(session);
  if (!listens_) listenForExit(env);
}

void Environment::listenForExit(Napi::Env env) {
  auto listener = [](const Napi::CallbackInfo& info) {
    auto* environment = info.Env().GetInstanceData<Environment>();
    for (Session* session : environment->sessions_) session->stop();
  };
  try {
    Napi::Value process = env.Global().Get("process");
    if (!process.IsObject()) return;
    Napi::Value once = process.As<Napi::Object>().Get("once");
    if (!once.IsFunction()) return;
    once.As<Napi::Function>().Call(process,
                                   {Napi::String::New(env, "exit"), Napi::Function::New(env, listener)});
    listens_ = true;
  } catch (const Napi::Error&) {
    // A process object that is not Node's: sessions work without.
  }
}

}  // namespace calibr8
