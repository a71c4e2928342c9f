#include "rounding/binding.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "arguments.h"
#include "error.h"
#include "guarded.h"
#include "rounding/solver.h"

namespace calibr8 {
namespace {

constexpr int64_t kMaxRows = 1 << 24;
constexpr int64_t kMaxColumns = 1 << 16;
constexpr int64_t kMaxLevel = 127;
constexpr int64_t kMaxSweeps = 1000;
constexpr int64_t kMaxThreads = 1024;

template <typename T>
std::vector<T> toElements(const Napi::Object& problem, const char* name, size_t count) {
  HostBytes view = toBytes(problem.Get(name), name);
  if (view.bytes != count * sizeof(T)) {
    throw Error(Code::kInvalidArgument, text("Expected ", count * sizeof(T), " bytes for '", name,
                                             "' but received ", view.bytes, "."));
  }
  std::vector<T> elements(count);
  if (count > 0) std::memcpy(elements.data(), view.data, view.bytes);
  return elements;
}

void requireFinite(const std::vector<float>& values, const char* name) {
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
    throw Error(Code::kInvalidArgument, text("Expected finite values in '", name, "'."));
}

size_t toCount(const Napi::Object& problem, const char* name, int64_t greatest) {
  return static_cast<size_t>(toInteger(problem.Get(name), name, 1, greatest));
}

RoundingProblem toProblem(const Napi::Object& from) {
  RoundingProblem problem;
  problem.rows = toCount(from, "rows", kMaxRows);
  problem.columns = toCount(from, "columns", kMaxColumns);
  problem.groups = toCount(from, "groups", kMaxRows);
  if (problem.rows % problem.groups != 0) {
    throw Error(Code::kInvalidArgument,
                text("Expected ", problem.rows, " rows to divide into ", problem.groups, " groups evenly."));
  }
  problem.moments = toElements<float>(from, "moments", problem.groups * problem.columns * problem.columns);
  problem.weights = toElements<float>(from, "weights", problem.rows * problem.columns);
  problem.scales = toElements<float>(from, "scales", problem.rows);
  problem.levels = toElements<int8_t>(from, "levels", problem.rows * problem.columns);
  problem.greatestLevel = static_cast<float>(toCount(from, "greatestLevel", kMaxLevel));
  requireFinite(problem.moments, "moments");
  requireFinite(problem.weights, "weights");
  requireFinite(problem.scales, "scales");
  if (std::any_of(problem.scales.begin(), problem.scales.end(), [](float scale) { return scale <= 0; }))
    throw Error(Code::kInvalidArgument, "Expected scales above 0.");
  return problem;
}

class RoundingWorker : public Napi::AsyncWorker {
 public:
  RoundingWorker(Napi::Env env, RoundingProblem problem, size_t sweeps, int threads)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        problem_(std::move(problem)),
        sweeps_(sweeps),
        threads_(threads) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { roundWeights(problem_, sweeps_, threads_); }

  void OnOK() override {
    auto levels = Napi::Int8Array::New(Env(), problem_.levels.size());
    if (!problem_.levels.empty()) std::memcpy(levels.Data(), problem_.levels.data(), problem_.levels.size());
    deferred_.Resolve(levels);
  }

  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  RoundingProblem problem_;
  size_t sweeps_;
  int threads_;
};

}  // namespace

Napi::Value roundWeightsBinding(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    if (info.Length() < 1 || !info[0].IsObject())
      throw Error(Code::kInvalidArgument, "Expected an object that describes what is to be rounded.");
    Napi::Object from = info[0].As<Napi::Object>();
    size_t sweeps = toCount(from, "sweeps", kMaxSweeps);
    int threads = static_cast<int>(toInteger(from.Get("threads"), "threads", 1, kMaxThreads));
    // Freed by its own completion, as AsyncWorker has it.
    auto* worker = new RoundingWorker(env, toProblem(from), sweeps, threads);
    worker->Queue();
    return worker->promise();
  });
}

}  // namespace calibr8
