#include "kernels/binary_loop.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/conversion.h"
#include "kernels/parallel.h"
#include "kernels/simd.h"
#include "kernels/strided.h"

namespace calibr8 {

using onednn::BinaryFunction;
using onednn::Layout;

namespace {

constexpr size_t kBlock = 512;

template <typename Op>
CALIBR8_INLINE void applyAll(const float* a, const float* b, float* y, size_t count, Op op) {
  for (size_t i = 0; i < count; ++i) y[i] = op(a[i], b[i]);
}

CALIBR8_CLONES void applyBlock(BinaryFunction function, const float* a, const float* b, float* y,
                               size_t count) {
  switch (function) {
    case BinaryFunction::kAdd:
      return applyAll(a, b, y, count, [](float p, float q) CALIBR8_INLINE_LAMBDA { return p + q; });
    case BinaryFunction::kSub:
      return applyAll(a, b, y, count, [](float p, float q) CALIBR8_INLINE_LAMBDA { return p - q; });
    case BinaryFunction::kMul:
      return applyAll(a, b, y, count, [](float p, float q) CALIBR8_INLINE_LAMBDA { return p * q; });
    case BinaryFunction::kDiv:
      return applyAll(a, b, y, count, [](float p, float q) CALIBR8_INLINE_LAMBDA { return p / q; });
    case BinaryFunction::kMax:
      return applyAll(a, b, y, count, [](float p, float q) CALIBR8_INLINE_LAMBDA { return p > q ? p : q; });
    case BinaryFunction::kMin:
      return applyAll(a, b, y, count, [](float p, float q) CALIBR8_INLINE_LAMBDA { return p < q ? p : q; });
    case BinaryFunction::kGe:
      return applyAll(a, b, y, count,
                      [](float p, float q) CALIBR8_INLINE_LAMBDA { return p >= q ? 1.0f : 0.0f; });
    case BinaryFunction::kGt:
      return applyAll(a, b, y, count,
                      [](float p, float q) CALIBR8_INLINE_LAMBDA { return p > q ? 1.0f : 0.0f; });
    case BinaryFunction::kLe:
      return applyAll(a, b, y, count,
                      [](float p, float q) CALIBR8_INLINE_LAMBDA { return p <= q ? 1.0f : 0.0f; });
    case BinaryFunction::kLt:
      return applyAll(a, b, y, count,
                      [](float p, float q) CALIBR8_INLINE_LAMBDA { return p < q ? 1.0f : 0.0f; });
    case BinaryFunction::kEq:
      return applyAll(a, b, y, count,
                      [](float p, float q) CALIBR8_INLINE_LAMBDA { return p == q ? 1.0f : 0.0f; });
    case BinaryFunction::kNe:
      return applyAll(a, b, y, count,
                      [](float p, float q) CALIBR8_INLINE_LAMBDA { return p != q ? 1.0f : 0.0f; });
  }
}

/**
 * A sum of stored numbers: y = a ratioA + (b ratioB + fixed) in this order, zero points and all, as
 * onnxruntime sums. A result halfway between two levels, or within float32's precision of that, then becomes
 * the same level.
 */
struct LevelSum {
  float ratioA = 1;
  float ratioB = 1;
  float fixed = 0;

  LevelSum() = default;
  LevelSum(const Quantization& a, const Quantization& b, const Quantization& y)
      : ratioA(a.scale() / y.scale()), ratioB(b.scale() / y.scale()) {
    float zeros =
        std::fma(ratioA, static_cast<float>(a.zeroPoint()), ratioB * static_cast<float>(b.zeroPoint()));
    fixed = static_cast<float>(y.zeroPoint()) - zeros;
  }
};

CALIBR8_CLONES void addLevels(const LevelSum& sum, const float* a, const float* b, float* y, size_t count) {
  for (size_t i = 0; i < count; ++i) y[i] = std::fma(a[i], sum.ratioA, std::fma(b[i], sum.ratioB, sum.fixed));
}

/** One of the three arrays: strides along the loop's dimensions, 0 where it is broadcast. */
struct Side {
  DataType type;
  Dims strides;
  ConversionNumbers numbers;

  const void* at(const void* base, int64_t offset) const {
    return static_cast<const uint8_t*>(base) + offset * static_cast<int64_t>(sizeOf(type));
  }
  void load(const void* base, int64_t offset, size_t count, float* out) const {
    int64_t step = strides.back();
    if (step == 1) {
      convertLinear(at(base, offset), type, out, DataType::kFloat32, count, numbers);
    } else if (step == 0) {
      float value;
      convertLinear(at(base, offset), type, &value, DataType::kFloat32, 1, numbers);
      std::fill(out, out + count, value);
    } else {
      for (size_t i = 0; i < count; ++i) {
        convertLinear(at(base, offset + static_cast<int64_t>(i) * step), type, out + i, DataType::kFloat32, 1,
                      numbers);
      }
    }
  }
};

struct Loop {
  BinaryFunction function;
  Dims dims;
  Side a, b, y;
  /** Operands and result are stored numbers, and this relates them. */
  bool levels = false;
  LevelSum sum;

  void apply(const float* left, const float* right, float* result, size_t count) const {
    if (levels) return addLevels(sum, left, right, result, count);
    applyBlock(function, left, right, result, count);
  }
  void run(const void* pa, const void* pb, void* py) const;
};

void Loop::run(const void* pa, const void* pb, void* py) const {
  Dims outer(dims.begin(), dims.end() - 1);
  size_t row = static_cast<size_t>(dims.back());
  size_t rows = static_cast<size_t>(countOf(outer));
  auto outerStrides = [&](const Side& side) { return Dims(side.strides.begin(), side.strides.end() - 1); };
  Dims strideA = outerStrides(a), strideB = outerStrides(b), strideY = outerStrides(y);
  // A piece is a run of whole rows or, when there is one long row, a part of it.
  size_t blocks = (row + kBlock - 1) / kBlock;
  size_t grain = std::max<size_t>(1, 16384 / std::min(row, kBlock));
  parallelFor(rows * blocks, grain, [&](size_t begin, size_t end) {
    alignas(64) float left[kBlock], right[kBlock], result[kBlock];
    Odometer odometer(outer);
    odometer.seek(static_cast<int64_t>(begin / blocks));
    for (size_t i = begin; i < end; ++i) {
      size_t first = i % blocks * kBlock;
      size_t count = std::min(kBlock, row - first);
      auto offset = [&](const Side& side, const Dims& strides) {
        return odometer.offset(strides) + static_cast<int64_t>(first) * side.strides.back();
      };
      const float* operandA = left;
      const float* operandB = right;
      int64_t offsetA = offset(a, strideA);
      int64_t offsetB = offset(b, strideB);
      int64_t offsetY = offset(y, strideY);
      if (a.type == DataType::kFloat32 && a.strides.back() == 1) {
        operandA = static_cast<const float*>(pa) + offsetA;
      } else {
        a.load(pa, offsetA, count, left);
      }
      if (b.type == DataType::kFloat32 && b.strides.back() == 1) {
        operandB = static_cast<const float*>(pb) + offsetB;
      } else {
        b.load(pb, offsetB, count, right);
      }
      if (y.type == DataType::kFloat32) {
        apply(operandA, operandB, static_cast<float*>(py) + offsetY, count);
      } else {
        apply(operandA, operandB, result, count);
        convertLinear(result, DataType::kFloat32, static_cast<uint8_t*>(py) + offsetY, y.type, count,
                      y.numbers);
      }
      if ((i + 1) % blocks == 0) odometer.next();
    }
  });
}

Loop makeLoop(BinaryFunction function, const Operand& a, const Quantization& qa, const Operand& b,
              const Quantization& qb, const Operand& y, const Quantization& qy) {
  auto typeOf = [](const Operand& operand) {
    return operand.layout.type() == DataType::kBool ? DataType::kUint8 : operand.layout.type();
  };
  Loop loop;
  loop.function = function;
  loop.a = {typeOf(a), {}, {qa.scale(), qa.zeroPoint(), 1, 0}};
  loop.b = {typeOf(b), {}, {qb.scale(), qb.zeroPoint(), 1, 0}};
  loop.y = {typeOf(y), {}, {1, 0, qy.scale(), qy.zeroPoint()}};
  bool unsignedBytes = true;
  for (const Side* side : {&loop.a, &loop.b, &loop.y})
    unsignedBytes = unsignedBytes && side->type == DataType::kUint8;
  if (function == BinaryFunction::kAdd && unsignedBytes) {
    loop.levels = true;
    loop.sum = LevelSum(qa, qb, qy);
    for (Side* side : {&loop.a, &loop.b, &loop.y}) side->numbers = {};
  }
  Dims sizes = y.layout.dims();
  Dims sizesA = a.layout.dims(), sizesB = b.layout.dims();
  Dims stridesA = a.layout.strides(), stridesB = b.layout.strides(), stridesY = y.layout.strides();
  // The loop nest follows the destination's memory.
  std::vector<size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t p, size_t q) { return stridesY[p] > stridesY[q]; });
  for (size_t d : order) {
    if (sizes[d] == 1) continue;
    int64_t sa = sizesA[d] == 1 ? 0 : stridesA[d];
    int64_t sb = sizesB[d] == 1 ? 0 : stridesB[d];
    int64_t sy = stridesY[d];
    bool joins = !loop.dims.empty() && loop.a.strides.back() == sa * sizes[d] &&
                 loop.b.strides.back() == sb * sizes[d] && loop.y.strides.back() == sy * sizes[d];
    if (joins) {
      loop.dims.back() *= sizes[d];
      loop.a.strides.back() = sa;
      loop.b.strides.back() = sb;
      loop.y.strides.back() = sy;
    } else {
      loop.dims.push_back(sizes[d]);
      loop.a.strides.push_back(sa);
      loop.b.strides.push_back(sb);
      loop.y.strides.push_back(sy);
    }
  }
  if (loop.dims.empty() || loop.y.strides.back() != 1) {
    loop.dims.push_back(1);
    for (Side* side : {&loop.a, &loop.b, &loop.y}) side->strides.push_back(1);
  }
  return loop;
}

}  // namespace

void addBinaryLoop(StepBuilder& builder, BinaryFunction function, const Operand& a, const Quantization& qa,
                   const Operand& b, const Quantization& qb, const Operand& y, const Quantization& qy) {
  Loop loop = makeLoop(function, a, qa, b, qb, y, qy);
  builder.call("binary", {a, b, y}, [loop](void* const* pointers, RunContext&) {
    loop.run(pointers[0], pointers[1], pointers[2]);
  });
}

void addFloatBinary(StepBuilder& builder, BinaryFunction function, const Operand& a, const Operand& b,
                    const Operand& y) {
  auto description = onednn::makeBinary(builder.device(), {function, a.layout, b.layout, y.layout});
  bool plain = a.layout.isPlain() && b.layout.isPlain() && y.layout.isPlain();
  if (description && (description->quality() != onednn::Quality::kReference || !plain)) {
    builder.call(*description, {{onednn::kSource, a}, {onednn::kSource1, b}, {onednn::kDestination, y}});
    return;
  }
  builder.require(plain, "no implementation for these layouts.");
  addBinaryLoop(builder, function, a, {}, b, {}, y, {});
}

}  // namespace calibr8
