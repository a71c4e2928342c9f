#include "plan/data_type.h"

namespace calibr8 {

bool isDataType(uint8_t number) {
  switch (static_cast<DataType>(number)) {
    case DataType::kFloat32:
    case DataType::kUint8:
    case DataType::kInt8:
    case DataType::kInt32:
    case DataType::kInt64:
    case DataType::kBool:
      return true;
  }
  return false;
}

size_t sizeOf(DataType type) {
  switch (type) {
    case DataType::kFloat32:
    case DataType::kInt32:
      return 4;
    case DataType::kInt64:
      return 8;
    case DataType::kUint8:
    case DataType::kInt8:
    case DataType::kBool:
      return 1;
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
    case DataType::kInt32:
      return "s32";
    case DataType::kInt64:
      return "s64";
    case DataType::kBool:
      return "bool";
  }
  return "?";
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
