#ifndef CALIBR8_ONEDNN_POST_OPS_H_
#define CALIBR8_ONEDNN_POST_OPS_H_

#include <optional>
#include <string>
#include <vector>

#include "onednn/layout.h"

namespace calibr8::onednn {

/** The eltwise algorithms of docs/plan.md; alpha and beta as there. */
enum class Function {
  kRelu,
  kClip,
  kLogistic,
  kTanh,
  kElu,
  kExp,
  kLog,
  kSqrt,
  kAbs,
  kSquare,
  kGeluErf,
  kGeluTanh,
  kSwish,
  kHardswish,
  kHardsigmoid,
  kMish,
  kSoftRelu,
  kPow,
  kLinear,
  kRound
};

struct Eltwise {
  Function function = Function::kLinear;
  /** A factor is a quotient of scales as often as not; rounding it twice would move results off a tie. */
  double alpha = 1;
  float beta = 0;
};

enum class BinaryFunction { kAdd, kSub, kMul, kDiv, kMax, kMin, kGe, kGt, kLe, kLt, kEq, kNe };

/** A post-op on real values; how it is expressed on stored values differs between oneDNN's majors. */
struct PostOp {
  enum class Kind { kSum, kEltwise, kBinary };

  Kind kind = Kind::kEltwise;
  Eltwise eltwise;
  /** kSum: adds (previous destination - zeroPoint) x scale, the previous destination read as `type`. */
  float scale = 1;
  int32_t zeroPoint = 0;
  DataType type = DataType::kFloat32;
  /** kBinary: the second operand, real values in float32. */
  BinaryFunction binary = BinaryFunction::kAdd;
  Layout source;
  /** kBinary, the first of a chain: adds int32 numbers to the accumulator, before that is scaled. */
  bool accumulates = false;
};

/** How stored integers of a convolution or product become real values and back. Defaults mean float32. */
struct Scaling {
  float source = 1;
  int32_t sourceZeroPoint = 0;
  /** One, or one an output channel. */
  std::vector<float> weights = {1};
  float destination = 1;
  int32_t destinationZeroPoint = 0;
  bool quantized = false;
};

/** Attributes of a primitive, and the argument that each binary post-op's second operand takes (0 for
 * others). */
struct Attributes {
  dnnl::primitive_attr attr;
  std::vector<int> arguments;
  /** False where oneDNN cannot chain the post-ops: they have to run by themselves. */
  bool expressible = true;
};

/** `channelMask` says along which destination axis several weight scales run. */
Attributes makeAttributes(const Scaling& scaling, const std::vector<PostOp>& postOps, int channelMask);

/** What a real-valued bias is multiplied by, an output channel (or 1 for all), for makeAttributes' scaling.
 */
std::vector<float> biasFactors(const Scaling& scaling);

/** One of our functions as one or more of oneDNN's. */
struct Native {
  dnnl::algorithm algorithm;
  float alpha;
  float beta;
};
std::vector<Native> nativeFunctions(const Eltwise& eltwise);
dnnl::algorithm nativeBinary(BinaryFunction function);

/** By docs/plan.md's names. */
std::optional<Function> functionOf(const std::string& name);
std::optional<BinaryFunction> binaryFunctionOf(const std::string& name);

}  // namespace calibr8::onednn

#endif  // CALIBR8_ONEDNN_POST_OPS_H_
