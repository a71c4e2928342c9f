#ifndef CALIBR8_KERNELS_WEAVE_H_
#define CALIBR8_KERNELS_WEAVE_H_

#include <cstddef>
#include <cstdint>

namespace calibr8 {

/** Pixels made of two rows of elements in turns, the first of one, the first of the other, the second of one
 * and so on. */
struct Weave {
  size_t pixels;
  /** Elements that a pixel takes of each. */
  size_t count;
  /** Elements from one pixel to the next in each source; those of the destination run on. */
  size_t stepA, stepB;
  /** Bytes of an element: 1, 2 or 4. */
  size_t size;

  /** Over the stream's team. */
  void run(const uint8_t* a, const uint8_t* b, uint8_t* destination) const;
};

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_WEAVE_H_
