#include "session.h"

#include "affinity.h"
#include "arguments.h"
#include "environment.h"
#include "error.h"
#include "guarded.h"
#include "results.h"

namespace calibr8 {
namespace {

constexpr int64_t kMaxStreams = 256;
constexpr int64_t kMaxThreads = 1024;

/** None, or one for each thread. */
std::vector<int> toProcessors(const Napi::Value& value, int64_t threads) {
  std::vector<int> processors;
  if (value.IsUndefined()) return processors;
  if (!value.IsArray()) throw Error(Code::kInvalidArgument, "Expected an array for options.processors.");
  Napi::Array array = value.As<Napi::Array>();
  if (array.Length() != threads) {
    throw Error(
        Code::kInvalidArgument,
        text("Expected ", threads, " processors, one for each thread, but received ", array.Length(), "."));
  }
  for (uint32_t i = 0; i < array.Length(); ++i) {
    processors.push_back(static_cast<int>(toInteger(array.Get(i), "options.processors[]", 0, kMaxProcessor)));
  }
  return processors;
}

}  // namespace

Napi::Function Session::define(Napi::Env env) {
  return DefineClass(
      env, "Session",
      {InstanceMethod<&Session::compile>("compile"), InstanceMethod<&Session::place>("place"),
       InstanceMethod<&Session::run>("run"), InstanceMethod<&Session::runHere>("runHere"),
       InstanceMethod<&Session::profile>("profile"),
       InstanceMethod<&Session::commitStatistics>("commitStatistics"),
       InstanceMethod<&Session::readStatistics>("readStatistics"),
       InstanceMethod<&Session::readPending>("readPending"), InstanceMethod<&Session::lookOut>("lookOut"),
       InstanceMethod<&Session::dispose>("dispose"), InstanceMethod<&Session::close>("close")});
}

Session::Session(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Session>(info) {
  Napi::Env env = info.Env();
  guarded(env, [&]() -> Napi::Value {
    if (!info[0].IsObject()) throw Error(Code::kInvalidArgument, "Expected an object for options.");
    Napi::Object options = info[0].As<Napi::Object>();
    int64_t streams = toInteger(options.Get("streams"), "options.streams", 1, kMaxStreams);
    int64_t threads = toInteger(options.Get("threadsPerStream"), "options.threadsPerStream", 1, kMaxThreads);
    std::vector<int> processors = toProcessors(options.Get("processors"), streams * threads);
    bool spare = info[0].As<Napi::Object>().Get("spareProcessor").ToBoolean();
    engine_ = std::make_unique<Engine>(static_cast<size_t>(streams));
    queue_ = Queue::New(env, "calibr8", 0, 1, this);
    queue_.Unref(env);
    try {
      streams_ = std::make_unique<Streams>(static_cast<size_t>(streams), static_cast<int>(threads),
                                           std::move(processors), spare, engine_->device());
    } catch (...) {
      queue_.Release();
      throw;
    }
    // Runs before the queue's own hook, as it was added later: streams never call into a queue that is gone.
    napi_add_env_cleanup_hook(env, onEnvironmentExit, this);
    hooked_ = true;
    env.GetInstanceData<Environment>()->add(env, this);
    return env.Undefined();
  });
}

Session::~Session() {
  // Tasks hold a reference: whoever gets here without them is idle.
  if (hooked_) {
    Napi::Env env = Env();
    napi_remove_env_cleanup_hook(env, onEnvironmentExit, this);
    env.GetInstanceData<Environment>()->remove(this);
    shutDown();
    reportMemory(env);
    queue_.Release();
  }
}

void Session::onEnvironmentExit(void* data) {
  auto* session = static_cast<Session*>(data);
  session->hooked_ = false;
  session->stop();
}

void Session::stop() {
  closing_ = true;
  shutDown();
}

void Session::shutDown() {
  if (streams_) streams_->stop();
  streams_.reset();
  engine_.reset();
  // Nobody listens to their promises any more, and JS references must not be touched here.
  for (std::unique_ptr<Task>& task : ended_.take()) task->held.SuppressDestruct();
}

Engine& Session::engine() const {
  if (closing_) throw Error(Code::kSessionClosed, "The session was closed.");
  requireEngine();
  return *engine_;
}

void Session::requireEngine() const {
  if (!engine_) throw Error(Code::kSessionClosed, "The session was closed.");
}

void Session::submit(std::unique_ptr<Task> task) {
  Napi::Env env = Env();
  auto owner = std::make_shared<std::unique_ptr<Task>>(std::move(task));
  if (pending_++ == 0) {
    queue_.Ref(env);
    Ref();
  }
  // A job that is dropped takes its task with it; one that ran passes it on.
  streams_->submit([this, owner](StreamContext& context) {
    Task& running = **owner;
    try {
      running.work(context);
    } catch (...) {
      running.error = std::current_exception();
    }
    // The session joins its streams before it goes. A queue that refuses the call goes with its environment.
    if (ended_.put(std::move(*owner)) && !context.stop) queue_.BlockingCall();
  });
}

void Session::deliver(Napi::Env env, Napi::Function, Session* session, void*) {
  // Without an environment the session may be gone as well.
  if (env != nullptr) session->settleAll(env, session->ended_.take());
}

void Session::settleAll(Napi::Env env, std::vector<std::unique_ptr<Task>> tasks) {
  for (std::unique_ptr<Task>& task : tasks) {
    try {
      Napi::HandleScope scope(env);
      settle(env, *task);
    } catch (const Napi::Error&) {
      // A worker that is being terminated runs no JS any more: nobody is left to tell.
    }
  }
}

void Session::settle(Napi::Env env, Task& task) {
  Napi::Value result;
  bool failed = task.error != nullptr;
  try {
    // A session that was stopped has no engine for a task that had finished before.
    if (!failed) requireEngine();
    result = failed ? toError(env, task.error) : task.finish(env);
  } catch (const Napi::Error& error) {
    failed = true;
    result = error.Value();
  } catch (...) {
    failed = true;
    result = toError(env, std::current_exception());
  }
  reportMemory(env);
  // Frees what the task holds before a listener may look.
  task.work = nullptr;
  if (failed) {
    task.deferred.Reject(result);
  } else {
    task.deferred.Resolve(result);
  }
  if (--pending_ == 0) {
    queue_.Unref(env);
    // After the last run's promise, which close() has waited for.
    if (closing_) finishClosing(env);
    Unref();
  }
}

void Session::reportMemory(Napi::Env env) {
  int64_t bytes = engine_ ? static_cast<int64_t>(engine_->nativeBytes()) : 0;
  if (bytes == reportedBytes_) return;
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes - reportedBytes_);
  reportedBytes_ = bytes;
}

Napi::Value Session::close(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto deferred = Napi::Promise::Deferred::New(env);
  closing_ = true;
  closers_.push_back(deferred);
  if (pending_ == 0) finishClosing(env);
  return deferred.Promise();
}

void Session::finishClosing(Napi::Env env) {
  shutDown();
  reportMemory(env);
  std::vector<Napi::Promise::Deferred> closers;
  closers.swap(closers_);
  for (auto& deferred : closers) deferred.Resolve(env.Undefined());
}

}  // namespace calibr8
