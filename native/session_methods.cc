// The methods that JS calls: arguments in, promises or plain values out.
#include "arguments.h"
#include "copy.h"
#include "error.h"
#include "guarded.h"
#include "program/intake.h"
#include "results.h"
#include "session.h"

namespace calibr8 {
namespace {

constexpr int64_t kMaxLookOut = 1000;
constexpr int64_t kMaxRuns = 1000000;
constexpr int64_t kMaxProgram = INT32_MAX;

/** Views for some of a plan's values, of the right number and sizes. */
std::vector<HostBytes> toViewsOf(const Plan& plan, const std::vector<int32_t>& values,
                                 const Napi::Value& argument, const char* name) {
  std::vector<HostBytes> views = toViews(argument, name);
  if (views.size() != values.size()) {
    throw Error(Code::kInvalidFeed,
                text("Expected ", values.size(), " ", name, " but received ", views.size(), "."));
  }
  for (size_t i = 0; i < views.size(); ++i) {
    const calibr8::Value& value = plan.values[static_cast<size_t>(values[i])];
    if (views[i].bytes != value.bytes()) {
      throw Error(Code::kInvalidFeed, text("Expected ", value.bytes(), " bytes in ", name, " for '",
                                           value.name, "' but received ", views[i].bytes, "."));
    }
  }
  return views;
}

}  // namespace

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

Engine& Session::statisticsEngine() const {
  Engine& result = engine();
  if (result.streams() != 1) {
    throw Error(Code::kInvalidArgument,
                text("Statistics need a session with 1 stream but it has ", result.streams(), "."));
  }
  return result;
}

Napi::Value Session::compile(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return promised(env, [&](Task& task) {
    Engine& owner = engine();
    HostBytes plan = toBytes(info[0], "plan");
    std::vector<uint8_t> bytes(plan.data, plan.data + plan.bytes);
    std::vector<ConstantView> views = toConstants(info[1], "constants");
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

std::shared_ptr<PlacedProgram> Session::readRun(const Napi::CallbackInfo& info, RunBuffers& buffers,
                                                Inputs inputs) {
  Engine& owner = engine();
  int64_t id = toInteger(info[0], "program", 0, kMaxProgram);
  auto placed = owner.placed(static_cast<uint32_t>(id));
  const Plan& plan = placed->program->plan;
  std::vector<HostBytes> views = toViewsOf(plan, plan.inputs, info[1], "inputs");
  for (const HostBytes& output : toViewsOf(plan, plan.outputs, info[2], "outputs"))
    buffers.outputs.push_back(output.data);
  for (size_t i = 0; i < views.size(); ++i) {
    if (inputs == Inputs::kTakenIn) {
      buffers.inputs.push_back(owner.staging().take(intakeBytes(*placed->program, i)));
      takeIn(*placed->program, i, views[i].data, buffers.inputs.back().data());
    } else {
      buffers.inputs.push_back(owner.staging().take(views[i].bytes));
      copyInput(buffers.inputs.back().data(), views[i].data, views[i].bytes);
    }
  }
  return placed;
}

Napi::Value Session::run(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return promised(env, [&](Task& task) {
    auto buffers = std::make_shared<RunBuffers>();
    auto placed = readRun(info, *buffers, Inputs::kTakenIn);
    task.held = Napi::Persistent(info[2].As<Napi::Object>());
    Engine& owner = engine();
    task.work = [&owner, buffers, placed](StreamContext& context) { owner.run(context, *placed, *buffers); };
    task.finish = [](Napi::Env here) { return here.Undefined(); };
  });
}

Napi::Value Session::runHere(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    Engine& owner = engine();
    if (pending_ > 0) return Napi::Boolean::New(env, false);
    bool done = streams_->runHere([&](StreamContext& context) {
      RunBuffers buffers;
      auto placed = readRun(info, buffers, Inputs::kTakenIn);
      owner.run(context, *placed, buffers);
    });
    reportMemory(env);
    return Napi::Boolean::New(env, done);
  });
}

Napi::Value Session::profile(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return promised(env, [&](Task& task) {
    auto buffers = std::make_shared<RunBuffers>();
    auto placed = readRun(info, *buffers, Inputs::kAsFed);
    task.held = Napi::Persistent(info[2].As<Napi::Object>());
    size_t runs = static_cast<size_t>(toInteger(info[3], "runs", 1, kMaxRuns));
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

Napi::Value Session::lookOut(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    std::chrono::microseconds longest(toInteger(info[0], "microseconds", 1, kMaxLookOut));
    settleAll(info.Env(), ended_.lookOut(longest));
    return info.Env().Undefined();
  });
}

Napi::Value Session::dispose(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    engine().dispose(static_cast<uint32_t>(toInteger(info[0], "program", 0, kMaxProgram)));
    reportMemory(info.Env());
    return info.Env().Undefined();
  });
}

}  // namespace calibr8
