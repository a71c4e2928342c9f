#include "arguments.h"

#include <cmath>
#include <optional>

#include "error.h"

namespace calibr8 {
namespace {

constexpr double kMaxSafeInteger = 9007199254740991.0;

std::string typeOf(const Napi::Value& value) {
  if (value.IsNumber()) return text(value.As<Napi::Number>().DoubleValue());
  if (value.IsUndefined()) return "undefined";
  if (value.IsNull()) return "null";
  if (value.IsString()) return "a string";
  if (value.IsArray()) return "an array";
  if (value.IsFunction()) return "a function";
  return value.IsObject() ? "an object" : "another type";
}

[[noreturn]] void failArgument(const std::string& what, const std::string& name, const Napi::Value& value) {
  throw Error(Code::kInvalidArgument,
              "Expected " + what + " for " + name + " but received " + typeOf(value) + ".");
}

size_t toSize(double value, const std::string& name) {
  if (!(value >= 0) || value > kMaxSafeInteger || value != std::floor(value)) {
    throw Error(Code::kInvalidPlan,
                text("Expected a whole number of bytes for ", name, " but received ", value, "."));
  }
  return static_cast<size_t>(value);
}

size_t elementSize(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return 1;
    case napi_int16_array:
    case napi_uint16_array:
      return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      return 4;
    default:
      return 8;
  }
}

std::optional<HostBytes> bytesOf(const Napi::Value& value) {
  void* data = nullptr;
  size_t length = 0;
  if (value.IsTypedArray()) {
    napi_typedarray_type type;
    if (napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr) != napi_ok) {
      return std::nullopt;
    }
    length *= elementSize(type);
  } else if (!value.IsDataView() ||
             napi_get_dataview_info(value.Env(), value, &length, &data, nullptr, nullptr) != napi_ok) {
    return std::nullopt;
  }
  return HostBytes{static_cast<uint8_t*>(data), data ? length : 0};
}

}  // namespace

int64_t toInteger(const Napi::Value& value, const char* name, int64_t least, int64_t greatest) {
  double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  if (!(number >= static_cast<double>(least) && number <= static_cast<double>(greatest)) ||
      number != std::floor(number)) {
    failArgument(text("a whole number from ", least, " to ", greatest), name, value);
  }
  return static_cast<int64_t>(number);
}

HostBytes toBytes(const Napi::Value& value, const char* name) {
  std::optional<HostBytes> bytes = bytesOf(value);
  if (!bytes) failArgument("an ArrayBufferView", name, value);
  return *bytes;
}

namespace {

ConstantView toConstant(const Napi::Value& value, const std::string& name) {
  if (std::optional<HostBytes> plain = bytesOf(value)) return {plain->data, plain->bytes};
  if (!value.IsObject()) failArgument("an ArrayBufferView, or an object with data and factors,", name, value);
  auto object = value.As<Napi::Object>();
  HostBytes data = toBytes(object.Get("data"), (name + ".data").c_str());
  Napi::Value given = object.Get("factors");
  if (!given.IsTypedArray() || given.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array)
    failArgument("a Float64Array", name + ".factors", given);
  auto factors = given.As<Napi::Float64Array>();
  int64_t inner = toInteger(object.Get("inner"), (name + ".inner").c_str(), 1, INT32_MAX);
  size_t period = factors.ElementLength() * static_cast<size_t>(inner) * sizeof(float);
  if (period == 0 || data.bytes % period != 0) {
    throw Error(Code::kInvalidArgument, text("Expected a multiple of ", period, " bytes, ", inner,
                                             " numbers for each of ", factors.ElementLength(),
                                             " factors, for ", name, ".data but received ", data.bytes, "."));
  }
  return {data.data, data.bytes, factors.Data(), factors.ElementLength(), static_cast<size_t>(inner)};
}

/**
 * What `convert(element, nameOf)` makes of each element of an array. Names are made when asked for: each run
 * comes by here, and only errors want them.
 */
template <typename Element, typename Convert>
std::vector<Element> toVector(const Napi::Value& value, const char* name, const char* wanted,
                              const Convert& convert) {
  if (!value.IsArray()) failArgument(wanted, name, value);
  Napi::Array array = value.As<Napi::Array>();
  std::vector<Element> result;
  uint32_t length = array.Length();
  result.reserve(length);
  for (uint32_t i = 0; i < length; ++i)
    result.push_back(convert(array.Get(i), [=] { return text(name, "[", i, "]"); }));
  return result;
}

}  // namespace

std::vector<HostBytes> toViews(const Napi::Value& value, const char* name) {
  return toVector<HostBytes>(value, name, "an array of ArrayBufferViews",
                             [](const Napi::Value& each, const auto& nameOf) {
                               std::optional<HostBytes> bytes = bytesOf(each);
                               if (!bytes) failArgument("an ArrayBufferView", nameOf(), each);
                               return *bytes;
                             });
}

std::vector<ConstantView> toConstants(const Napi::Value& value, const char* name) {
  return toVector<ConstantView>(
      value, name, "an array of constants",
      [](const Napi::Value& each, const auto& nameOf) { return toConstant(each, nameOf()); });
}

Placement toPlacement(const Napi::CallbackInfo& info) {
  Napi::Value offsets = info[1];
  if (!offsets.IsTypedArray() || offsets.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
    failArgument("a Float64Array", "valueOffsets", offsets);
  }
  auto array = offsets.As<Napi::Float64Array>();
  Placement placement;
  placement.offsets.reserve(array.ElementLength());
  for (size_t i = 0; i < array.ElementLength(); ++i) {
    placement.offsets.push_back(toSize(array[i], text("valueOffsets[", i, "]")));
  }
  if (!info[2].IsNumber()) failArgument("a number", "workspaceOffset", info[2]);
  if (!info[3].IsNumber()) failArgument("a number", "arenaBytes", info[3]);
  placement.workspaceOffset = toSize(info[2].As<Napi::Number>().DoubleValue(), "workspaceOffset");
  placement.arenaBytes = toSize(info[3].As<Napi::Number>().DoubleValue(), "arenaBytes");
  return placement;
}

}  // namespace calibr8
