#ifndef CALIBR8_KERNELS_CONVERSION_H_
#define CALIBR8_KERNELS_CONVERSION_H_

#include <cstddef>
#include <cstdint>

#include "plan/data_type.h"

namespace calibr8 {

/** real = (stored - fromZero) x fromScale; result = saturate(round(real / toScale) + toZero), or real for
 * float32. */
struct ConversionNumbers {
  float fromScale = 1;
  int32_t fromZero = 0;
  float toScale = 1;
  int32_t toZero = 0;
};

/** Whether convertLinear has this pair: f32, u8, s8, s32 to f32, u8, s8. */
bool canConvertLinear(DataType from, DataType to);

/** Element by element over `count` elements in a row; single-threaded. */
void convertLinear(const void* source, DataType from, void* destination, DataType to, size_t count,
                   const ConversionNumbers& numbers);

/** Quantizes `channels` (at most 4) planes of `pixels` float32 elements, `planeStride` apart, into
 * interleaved bytes. */
void quantizeInterleaved(const float* source, size_t planeStride, size_t channels, size_t pixels,
                         void* destination, DataType to, const ConversionNumbers& numbers);

/** One element of any type as a double, for slow generic loops. */
double loadElement(const void* base, DataType type, int64_t index);
/** Integers: rounds half to even and saturates; bool: whether it is not zero. */
void storeElement(void* base, DataType type, int64_t index, double value);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_CONVERSION_H_
