#include "session.h"

#include <cstring>

#include "arguments.h"
#include "environment.h"
#include "error.h"
#include "results.h"

namespace calibr8 {
namespace {

constexpr int64_t kMaxStreams = 256;
constexpr int64_t kMaxThreads = 1024;
constexpr int64_t kMaxRuns = 1000000;
constexpr int64_t kMaxProgram = INT32_MAX;

}  // namespace

Napi::Function Session::define(Napi::Env env) {
  return DefineClass(
      env, "Session",
      {InstanceMethod<&Session::compile>("compile"), InstanceMethod<&Session::place>("place"),
       InstanceMethod<&Session::run>("run"), InstanceMethod<&Session::profile>("profile"),
       InstanceMethod<&Session::commitStatistics>("commitStatistics"),
       InstanceMethod<&Session::readStatistics>("readStatistics"),
       InstanceMethod<&Session::readPending>("readPending"), InstanceMethod<&Session::dispose>("dispose"),
       InstanceMethod<&Session::close>("close")});
}

template <typename Body>
Napi::Value Session::guarded(Napi::Env env, Body body) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw Napi::Error(env, toError(env, std::current_exception()));
  }
}

template <typename Prepare>
Napi::Value Session::promised(Napi::Env env, Prepare prepare) {
  auto task = std::make_unique<Task>(env);
  Napi::Promise promise = task->deferred.Promise();
  try {
    prepare(*task);
    submit(std::move(task));
  } catch (const Napi::Error& error) {
    if (task) task->deferred.Reject(error.Value());
  } catch (...) {
    if (task) task->deferred.Reject(toError(env, std::current_exception()));
  }
  return promise;
}

Session::Session(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Session>(info) {
  Napi::Env env = info.Env();
  guarded(env, [&]() -> Napi::Value {
    if (!info[0].IsObject()) throw Error(Code::kInvalidArgument, "Expected an object for options.");
    Napi::Object options = info[0].As<Napi::Object>();
    int64_t streams = toInteger(options.Get("streams"), "options.streams", 1, kMaxStreams);
    int64_t threads = toInteger(options.Get("threadsPerStream"), "options.threadsPerStream", 1, kMaxThreads);
    engine_ = std::make_unique<Engine>(static_cast<size_t>(streams));
    queue_ = Queue::New(env, "calibr8", 0, 1, this);
    queue_.Unref(env);
    try {
      streams_ = std::make_unique<Streams>(static_cast<size_t>(streams), static_cast<int>(threads),
                                           engine_->device());
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
}

Engine& Session::engine() const {
  if (closing_) throw Error(Code::kSessionClosed, "The session was closed.");
  requireEngine();
  return *engine_;
}

void Session::requireEngine() const {
  if (!engine_) throw Error(Code::kSessionClosed, "The session was closed.");
}

Engine& Session::statisticsEngine() const {
  Engine& result = engine();
  if (result.streams() != 1) {
    throw Error(Code::kInvalidArgument,
                text("Statistics need a session with 1 stream but it has ", result.streams(), "."));
  }
  return result;
}

void Session::submit(std::unique_ptr<Task> task) {
  Napi::Env env = Env();
  auto owner = std::make_shared<std::unique_ptr<Task>>(std::move(task));
  if (pending_++ == 0) {
    queue_.Ref(env);
    Ref();
  }
  Queue queue = queue_;
  // A job that is dropped takes its task with it; one that ran passes it on.
  streams_->submit([owner, queue](StreamContext& context) mutable {
    Task* running = owner->get();
    try {
      running->work(context);
    } catch (...) {
      running->error = std::current_exception();
    }
    owner->release();
    if (context.stop || queue.BlockingCall(running) != napi_ok) {
      // The environment is going: its promises have no listeners, and JS references must not be touched here.
      running->held.SuppressDestruct();
      delete running;
    }
  });
}

void Session::deliver(Napi::Env env, Napi::Function, Session* session, Task* task) {
  std::unique_ptr<Task> owner(task);
  if (env == nullptr) {
    task->held.SuppressDestruct();
    return;
  }
  try {
    Napi::HandleScope scope(env);
    session->settle(env, *task);
  } catch (const Napi::Error&) {
    // A worker that is being terminated runs no JS any more: nobody is left to tell.
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
  if (--pending_ == 0) {
    queue_.Unref(env);
    if (closing_) finishClosing(env);
    Unref();
  }
  if (failed) {
    task.deferred.Reject(result);
  } else {
    task.deferred.Resolve(result);
  }
}

void Session::reportMemory(Napi::Env env) {
  int64_t bytes = engine_ ? static_cast<int64_t>(engine_->nativeBytes()) : 0;
  if (bytes == reportedBytes_) return;
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes - reportedBytes_);
  reportedBytes_ = bytes;
}

Napi::Value Session::compile(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return promised(env, [&](Task& task) {
    Engine& owner = engine();
    ConstantView plan = toBytes(info[0], "plan");
    std::vector<uint8_t> bytes(plan.data, plan.data + plan.bytes);
    std::vector<ConstantView> views = toViews(info[1], "constants");
    task.held = Napi::Persistent(info[1].As<Napi::Object>());
    auto program = std::make_shared<std::shared_ptr<const Program>>();
    task.work = [&owner, program, bytes = std::move(bytes), views = std::move(views)](
                    StreamContext& context) { *program = owner.compile(context, bytes, views); };
    task.finish = [&owner, program](Napi::Env here) {
      uint32_t id = owner.add(*program);
      return toProgram(here, id, **program);
    };
  });
}

Napi::Value Session::place(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    Engine& owner = engine();
    int64_t id = toInteger(info[0], "program", 0, kMaxProgram);
    owner.place(static_cast<uint32_t>(id), toPlacement(info));
    return info.Env().Undefined();
  });
}

std::shared_ptr<PlacedProgram> Session::readRun(const Napi::CallbackInfo& info, RunBuffers& buffers) {
  Engine& owner = engine();
  int64_t id = toInteger(info[0], "program", 0, kMaxProgram);
  auto placed = owner.placed(static_cast<uint32_t>(id));
  const Plan& plan = placed->program->plan;
  std::vector<ConstantView> views = toViews(info[1], "inputs");
  if (views.size() != plan.inputs.size()) {
    throw Error(Code::kInvalidFeed,
                text("Expected ", plan.inputs.size(), " inputs but received ", views.size(), "."));
  }
  for (size_t i = 0; i < views.size(); ++i) {
    const calibr8::Value& value = plan.values[static_cast<size_t>(plan.inputs[i])];
    if (views[i].bytes != value.bytes()) {
      throw Error(Code::kInvalidFeed, text("Expected ", value.bytes(), " bytes for input '", value.name,
                                           "' but received ", views[i].bytes, "."));
    }
  }
  buffers = owner.takeBuffers(*placed->program);
  for (size_t i = 0; i < views.size(); ++i) {
    if (views[i].bytes > 0) std::memcpy(buffers.inputs[i].data(), views[i].data, views[i].bytes);
  }
  return placed;
}

Napi::Value Session::run(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return promised(env, [&](Task& task) {
    auto buffers = std::make_shared<RunBuffers>();
    auto placed = readRun(info, *buffers);
    Engine& owner = engine();
    task.work = [&owner, buffers, placed](StreamContext& context) {
      owner.run(context, *placed, *buffers);
      for (Buffer& input : buffers->inputs) owner.staging().give(std::move(input));
    };
    task.finish = [&owner, buffers, program = placed->program](Napi::Env here) {
      return toOutputs(here, *program, *buffers, owner.staging());
    };
  });
}

Napi::Value Session::profile(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return promised(env, [&](Task& task) {
    auto buffers = std::make_shared<RunBuffers>();
    auto placed = readRun(info, *buffers);
    size_t runs = static_cast<size_t>(toInteger(info[2], "runs", 1, kMaxRuns));
    Engine& owner = engine();
    auto profile = std::make_shared<Profile>();
    task.work = [&owner, buffers, placed, profile, runs](StreamContext& context) {
      *profile = owner.profile(context, *placed, *buffers, runs);
    };
    task.finish = [profile](Napi::Env here) { return toProfile(here, *profile); };
  });
}

Napi::Value Session::commitStatistics(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    statisticsEngine().commit();
    return info.Env().Undefined();
  });
}

Napi::Value Session::readStatistics(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return toStatistics(info.Env(), statisticsEngine().totals()); });
}

Napi::Value Session::readPending(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    std::map<int64_t, double> ranges;
    auto moments = statisticsEngine().pending(&ranges);
    return toPending(info.Env(), moments, ranges);
  });
}

Napi::Value Session::dispose(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    engine().dispose(static_cast<uint32_t>(toInteger(info[0], "program", 0, kMaxProgram)));
    reportMemory(info.Env());
    return info.Env().Undefined();
  });
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
