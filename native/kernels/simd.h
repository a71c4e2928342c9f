#ifndef CALIBR8_KERNELS_SIMD_H_
#define CALIBR8_KERNELS_SIMD_H_

/** Compiles a loop for AVX-512, AVX2 and the baseline; the loader picks the one that this processor runs. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define CALIBR8_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CALIBR8_CLONES
#endif

/** For bodies shared by clones: a call would leave the clone's instruction set. */
#define CALIBR8_INLINE __attribute__((always_inline)) inline
#define CALIBR8_INLINE_LAMBDA __attribute__((always_inline))

namespace calibr8 {

/** Rounds half to even without a library call; exact for |x| < 2^22. */
CALIBR8_INLINE float roundHalfEven(float x) {
  constexpr float kShift = 12582912.0f;  // 1.5 x 2^23: the sum's ulp is 1
  return (x + kShift) - kShift;
}

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_SIMD_H_
