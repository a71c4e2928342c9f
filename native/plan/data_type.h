#ifndef CALIBR8_PLAN_DATA_TYPE_H_
#define CALIBR8_PLAN_DATA_TYPE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace calibr8 {

using Dims = std::vector<int64_t>;

/** ONNX's numbers, as the plan has them. */
enum class DataType : uint8_t {
  kFloat32 = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kBool = 9,
  kFloat16 = 10,
  kFloat64 = 11,
  kUint32 = 12,
  kUint64 = 13
};

/** Whether a plan may use this number as a data type. */
bool isDataType(uint8_t number);
size_t sizeOf(DataType type);
const char* nameOf(DataType type);

inline bool isInt8(DataType type) { return type == DataType::kUint8 || type == DataType::kInt8; }

/** Whether oneDNN's primitives take this type (bool as u8, for copies); only kernels of ours see the others.
 */
bool isNative(DataType type);

/** `[1, 3, 224, 224]`, for messages. */
std::string describe(const Dims& dims);

/** The number of elements; 1 for a scalar. The decoder has checked that the product fits. */
int64_t countOf(const Dims& dims);

}  // namespace calibr8

#endif  // CALIBR8_PLAN_DATA_TYPE_H_
