#include "kernels/weave.h"

#include <algorithm>

#include "kernels/parallel.h"
#include "kernels/simd.h"

namespace calibr8 {
namespace {

/** Two elements side by side are one number of twice their size, which compilers make many of at once. */
template <typename Element, typename Pair>
CALIBR8_INLINE void weavePixels(const Weave& weave, const Element* a, const Element* b, Pair* to,
                                size_t pixels) {
  static_assert(sizeof(Pair) == 2 * sizeof(Element));
  size_t count = weave.count;
  if (weave.stepA == count && weave.stepB == count) {
    // Nothing is left out between pixels: all of them are one long row.
    count *= pixels;
    pixels = std::min<size_t>(pixels, 1);
  }
  for (; pixels > 0; --pixels, a += weave.stepA, b += weave.stepB, to += count) {
    const Element* __restrict first = a;
    const Element* __restrict second = b;
    Pair* __restrict pairs = to;
    for (size_t i = 0; i < count; ++i) {
      pairs[i] = static_cast<Pair>(first[i] | static_cast<Pair>(second[i]) << 8 * sizeof(Element));
    }
  }
}

CALIBR8_CLONES void weaveSome(const Weave& weave, const uint8_t* a, const uint8_t* b, uint8_t* to,
                              size_t pixels) {
  auto weaveAs = [&](auto element, auto pair) CALIBR8_INLINE_LAMBDA {
    using Element = decltype(element);
    using Pair = decltype(pair);
    weavePixels(weave, reinterpret_cast<const Element*>(a), reinterpret_cast<const Element*>(b),
                reinterpret_cast<Pair*>(to), pixels);
  };
  if (weave.size == 1) return weaveAs(uint8_t(), uint16_t());
  if (weave.size == 2) return weaveAs(uint16_t(), uint32_t());
  weaveAs(uint32_t(), uint64_t());
}

}  // namespace

void Weave::run(const uint8_t* a, const uint8_t* b, uint8_t* destination) const {
  size_t row = 2 * count * size;
  parallelFor(pixels, std::max<size_t>(1, 65536 / row), [&](size_t begin, size_t end) {
    weaveSome(*this, a + begin * stepA * size, b + begin * stepB * size, destination + begin * row,
              end - begin);
  });
}

}  // namespace calibr8
