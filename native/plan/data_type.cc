#include "plan/data_type.h"

namespace calibr8 {

bool isDataType(uint8_t number) { return std::string(nameOf(static_cast<DataType>(number))) != "?"; }

size_t sizeOf(DataType type) {
  switch (type) {
    case DataType::kUint8:
    case DataType::kInt8:
    case DataType::kBool:
      return 1;
    case DataType::kUint16:
    case DataType::kInt16:
    case DataType::kFloat16:
      return 2;
    case DataType::kFloat32:
    case DataType::kInt32:
    case DataType::kUint32:
      return 4;
    case DataType::kInt64:
    case DataType::kUint64:
    case DataType::kFloat64:
      return 8;
  }
  return 1;
}

const char* nameOf(DataType type) {
  switch (type) {
    case DataType::kFloat32:
      return "f32";
    case DataType::kUint8:
      return "u8";
    case DataType::kInt8:
      return "s8";
    case DataType::kUint16:
      return "u16";
    case DataType::kInt16:
      return "s16";
    case DataType::kInt32:
      return "s32";
    case DataType::kInt64:
      return "s64";
    case DataType::kBool:
      return "bool";
    case DataType::kFloat16:
      return "f16";
    case DataType::kFloat64:
      return "f64";
    case DataType::kUint32:
      return "u32";
    case DataType::kUint64:
      return "u64";
  }
  return "?";
}

bool isNative(DataType type) {
  return type == DataType::kFloat32 || type == DataType::kInt32 || isInt8(type) || type == DataType::kBool;
}

std::string describe(const Dims& dims) {
  std::string out = "[";
  for (size_t i = 0; i < dims.size(); ++i) out += (i ? ", " : "") + std::to_string(dims[i]);
  return out + "]";
}

int64_t countOf(const Dims& dims) {
  int64_t count = 1;
  for (int64_t dim : dims) count *= dim;
  return count;
}

}  // namespace calibr8
