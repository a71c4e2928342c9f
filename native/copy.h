#ifndef CALIBR8_COPY_H_
#define CALIBR8_COPY_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace calibr8 {

/**
 * memcpy for an input that no near cache holds, measured to be faster there (docs/performance.md).
 * JavaScript's buffers begin 16 bytes past a cache line's boundary: wider moves cross lines, moves of 16
 * bytes do not.
 */
inline void copyInput(uint8_t* destination, const uint8_t* source, size_t bytes) {
  size_t done = 0;
#if defined(__x86_64__)
  for (; done + 16 <= bytes; done += 16) {
    __m128i piece = _mm_loadu_si128(reinterpret_cast<const __m128i*>(source + done));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(destination + done), piece);
  }
#endif
  if (done < bytes) std::memcpy(destination + done, source + done, bytes - done);
}

}  // namespace calibr8

#endif  // CALIBR8_COPY_H_
