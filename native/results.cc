#include "results.h"

#include "error.h"
#include "info.h"

namespace calibr8 {
namespace {

Napi::Value makeError(Napi::Env env, Code code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, codeName(code)));
  return error.Value();
}

Napi::Object toMap(Napi::Env env) { return env.Global().Get("Map").As<Napi::Function>().New({}); }

void addTo(Napi::Object& map, int64_t key, const Napi::Value& value) {
  Napi::Env env = map.Env();
  map.Get("set").As<Napi::Function>().Call(map, {Napi::Number::New(env, static_cast<double>(key)), value});
}

Napi::Object toMoments(Napi::Env env, const Moments& moments, double range) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("count", static_cast<double>(moments.count));
  object.Set("min", moments.count > 0 ? static_cast<double>(moments.min) : 0.0);
  object.Set("max", moments.count > 0 ? static_cast<double>(moments.max) : 0.0);
  object.Set("nonFinite", static_cast<double>(moments.nonFinite));
  object.Set("range", range);
  object.Set("sum", moments.sum);
  object.Set("sumOfSquares", moments.sumOfSquares);
  return object;
}

/** One side of a histogram. */
Napi::Value toSide(Napi::Env env, const Histogram<uint64_t>& histogram, size_t side) {
  Napi::Float64Array bins = Napi::Float64Array::New(env, kBins);
  if (histogram.slots.empty()) return bins;
  const uint64_t* slots = histogram.slots.data() + side;
  for (size_t i = 0; i < kBins; ++i) bins[i] = static_cast<double>(slots[i]);
  return bins;
}

}  // namespace

Napi::Value toError(Napi::Env env, const std::exception_ptr& pointer) {
  try {
    std::rethrow_exception(pointer);
  } catch (const Error& error) {
    return makeError(env, error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return makeError(env, Code::kInvalidPlan, "There is not enough memory for this plan.");
  } catch (const dnnl::error& error) {
    return makeError(env, Code::kOnednn, std::string("oneDNN failed: ") + error.what() + ".");
  } catch (const std::exception& error) {
    return makeError(env, Code::kInvalidPlan, std::string("The addon failed: ") + error.what() + ".");
  }
}

Napi::Value toProgram(Napi::Env env, uint32_t id, const Program& program) {
  Napi::Object result = Napi::Object::New(env);
  size_t count = program.values.size();
  Napi::Float64Array bytes = Napi::Float64Array::New(env, count);
  Napi::Int32Array aliases = Napi::Int32Array::New(env, count);
  for (size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<double>(program.values[i].bytes);
    aliases[i] = program.values[i].alias;
  }
  Napi::Array steps = Napi::Array::New(env, program.steps.size());
  for (size_t i = 0; i < program.steps.size(); ++i) {
    const ProgramStep& step = program.steps[i];
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", step.name);
    object.Set("kernel", step.kernel);
    object.Set("implementation", step.implementation);
    Napi::Array reorders = Napi::Array::New(env, step.reorders.size());
    for (size_t r = 0; r < step.reorders.size(); ++r)
      reorders.Set(static_cast<uint32_t>(r), step.reorders[r]);
    object.Set("reorders", reorders);
    object.Set("workspaceBytes", static_cast<double>(step.workspaceBytes));
    object.Set("dataTypes", step.dataTypes);
    object.Set("bytesMoved", static_cast<double>(step.bytesMoved));
    object.Set("operations", 2 * step.work.multiplyAdds);
    object.Set("arithmetic", step.work.multiplyAdds == 0 ? "none" : step.work.int8 ? "int8" : "float32");
    steps.Set(static_cast<uint32_t>(i), object);
  }
  Napi::Array outputs = Napi::Array::New(env, program.outputs.size());
  for (size_t i = 0; i < program.outputs.size(); ++i) {
    const std::string& name = program.outputs[i].implementation;
    outputs.Set(static_cast<uint32_t>(i), name.empty() ? "none" : name);
  }
  result.Set("program", static_cast<double>(id));
  result.Set("valueBytes", bytes);
  result.Set("valueAlias", aliases);
  result.Set("steps", steps);
  result.Set("outputCopies", outputs);
  result.Set("constantBytes", static_cast<double>(program.constantBytes));
  return result;
}

Napi::Value toProfile(Napi::Env env, const Profile& profile) {
  Napi::Object result = Napi::Object::New(env);
  Napi::Array steps = Napi::Array::New(env, profile.steps.size());
  for (size_t i = 0; i < profile.steps.size(); ++i) {
    Napi::Object step = Napi::Object::New(env);
    step.Set("step", static_cast<double>(i));
    step.Set("nanoseconds", profile.steps[i]);
    steps.Set(static_cast<uint32_t>(i), step);
  }
  result.Set("steps", steps);
  result.Set("totalNanoseconds", profile.total);
  result.Set("startNanoseconds", profile.start);
  return result;
}

Napi::Value toStatistics(Napi::Env env, const Totals& totals) {
  Napi::Object map = toMap(env);
  for (const auto& [observer, statistics] : totals) {
    const Histogram<uint64_t>& histogram = statistics.histogram;
    Napi::Object object = toMoments(env, statistics.moments, histogram.range);
    Napi::Value positive = toSide(env, histogram, 0);
    Napi::Float64Array bins = positive.As<Napi::Float64Array>();
    bins[0] += static_cast<double>(histogram.zeros);
    object.Set("positive", positive);
    object.Set("negative", toSide(env, histogram, kBins));
    addTo(map, observer, object);
  }
  return map;
}

Napi::Value toPending(Napi::Env env, const std::map<int64_t, Moments>& moments,
                      const std::map<int64_t, double>& ranges) {
  Napi::Object map = toMap(env);
  for (const auto& [observer, each] : moments) {
    Napi::Object object = toMoments(env, each, ranges.at(observer));
    object.Set("positive", Napi::Float64Array::New(env, 0));
    object.Set("negative", Napi::Float64Array::New(env, 0));
    addTo(map, observer, object);
  }
  return map;
}

Napi::Value toPeaks(Napi::Env env, const Peaks& peaks) {
  auto toPeak = [env](const Peak& peak) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("instruction", peak.instruction);
    object.Set("operationsPerSecond", peak.operationsPerSecond);
    object.Set("sustained", peak.sustained);
    return object;
  };
  Napi::Object result = Napi::Object::New(env);
  result.Set("int8", toPeak(peaks.int8));
  result.Set("float32", toPeak(peaks.float32));
  return result;
}

Napi::Value toInfo(Napi::Env env) {
  onednn::LibraryInfo library = onednn::libraryInfo();
  HostInfo host = hostInfo();
  Napi::Object onednn = Napi::Object::New(env);
  onednn.Set("version", library.version);
  onednn.Set("runtime", library.runtime);
  Napi::Object cpu = Napi::Object::New(env);
  cpu.Set("brand", host.brand);
  cpu.Set("isa", library.isa);
  cpu.Set("vnni", library.vnni);
  cpu.Set("available", host.available);
  Napi::Object openmp = Napi::Object::New(env);
  openmp.Set("maxThreads", host.openmpThreads);
  Napi::Object result = Napi::Object::New(env);
  result.Set("onednn", onednn);
  result.Set("cpu", cpu);
  result.Set("openmp", openmp);
  return result;
}

}  // namespace calibr8
