#include <algorithm>

#include "kernels/binary_loop.h"
#include "kernels/families.h"
#include "kernels/post_ops.h"

namespace calibr8 {

using onednn::Layout;

namespace {

bool isComparison(onednn::BinaryFunction function) { return function >= onednn::BinaryFunction::kGe; }

void checkShapes(const StepView& step) {
  const Value& a = step.source(0);
  const Value& b = step.source(1);
  const Value& y = step.destination();
  bool fits = a.dims.size() == y.dims.size() && b.dims.size() == y.dims.size();
  for (size_t i = 0; fits && i < y.dims.size(); ++i) {
    fits = y.dims[i] == std::max(a.dims[i], b.dims[i]) && (a.dims[i] == y.dims[i] || a.dims[i] == 1) &&
           (b.dims[i] == y.dims[i] || b.dims[i] == 1);
  }
  step.require(fits, describe(a.dims), " and ", describe(b.dims), " do not give ", describe(y.dims), ".");
  for (const Value* value : {&a, &b, &y}) {
    bool mask = value == &y && value->dtype == DataType::kBool;
    step.require(value->dtype == DataType::kFloat32 || isInt8(value->dtype) || mask, "'", value->name,
                 "' is ", nameOf(value->dtype), ".");
    step.require(value->perTensor(), "expected one scale for '", value->name, "'.");
  }
}

/** The layout of the source that is as large as the destination, for all three. */
Layout commonLayout(const StepBuilder& builder, bool plainOnly) {
  const Value& y = builder.destination();
  Layout plain = Layout::rowMajor(y.dims, y.dtype);
  for (size_t i : {0, 1}) {
    if (builder.source(i).dims != y.dims || builder.isConstant(i)) continue;
    Layout layout = builder.layout(i).withType(y.dtype);
    if (!plainOnly || layout.isPlain()) return layout;
  }
  return plain;
}

Operand readSide(StepBuilder& builder, size_t i, const Layout& common) {
  const Value& value = builder.source(i);
  if (value.dims == builder.destination().dims) return builder.read(i, common.withType(value.dtype));
  Layout own = builder.layout(i);
  return own.isPlain() ? builder.read(i) : builder.read(i, Layout::rowMajor(value.dims, value.dtype));
}

/**
 * oneDNN's own int8 code, several times faster than our loop: where no zero point is in the way and scaling
 * the operands is all that the quantizations need.
 */
std::optional<onednn::Description> quantizedPrimitive(const StepBuilder& builder,
                                                      onednn::BinaryFunction function, const Operand& a,
                                                      const Operand& b, const Layout& target) {
  const Value& x = builder.source(0);
  const Value& z = builder.source(1);
  const Value& y = builder.destination();
  if (x.hasZeroPoint() || z.hasZeroPoint() || y.hasZeroPoint() || y.dtype == DataType::kBool)
    return std::nullopt;
  onednn::BinarySpec spec{function, a.layout, b.layout, target};
  switch (function) {
    case onednn::BinaryFunction::kAdd:
    case onednn::BinaryFunction::kSub:
    case onednn::BinaryFunction::kMax:
    case onednn::BinaryFunction::kMin:
      spec.scaleA = x.scale() / y.scale();
      spec.scaleB = z.scale() / y.scale();
      break;
    case onednn::BinaryFunction::kMul:
      spec.scaleA = x.scale() * z.scale() / y.scale();
      break;
    default:
      return std::nullopt;
  }
  auto description = onednn::makeBinary(builder.device(), spec);
  if (description && description->quality() == onednn::Quality::kReference) return std::nullopt;
  return description;
}

void buildBinary(StepBuilder& builder) {
  checkShapes(builder);
  onednn::BinaryFunction function = readBinary(builder, builder.params());
  const Value& y = builder.destination();
  bool real = y.dtype == DataType::kFloat32 && builder.source(0).dtype == DataType::kFloat32 &&
              builder.source(1).dtype == DataType::kFloat32;
  builder.require(y.dtype != DataType::kBool || isComparison(function), "bool is for comparisons only.");
  Layout common = commonLayout(builder, !real);
  Operand a = readSide(builder, 0, common);
  Operand b = readSide(builder, 1, common);
  Operand target = builder.write(common);
  if (real) {
    addFloatBinary(builder, function, a, b, target);
  } else if (auto description = quantizedPrimitive(builder, function, a, b, common)) {
    builder.call(*description, {{onednn::kSource, a}, {onednn::kSource1, b}, {onednn::kDestination, target}});
  } else {
    addBinaryLoop(builder, function, a, Quantization::of(builder.source(0)), b,
                  Quantization::of(builder.source(1)), target, Quantization::of(y));
  }
}

void buildSum(StepBuilder& builder) {
  const Value& y = builder.destination();
  builder.requireFloat(y);
  for (size_t i = 0; i < builder.sources(); ++i) {
    builder.requireFloat(builder.source(i));
    builder.requireSameDims(builder.source(i), y);
  }
  Layout common = builder.layout(0);
  if (builder.sources() == 1) return builder.alias(0, common);
  std::vector<Operand> operands;
  for (size_t i = 0; i < builder.sources(); ++i) operands.push_back(builder.read(i, common));
  Operand target = builder.write(common);
  addFloatBinary(builder, onednn::BinaryFunction::kAdd, operands[0], operands[1], target);
  for (size_t i = 2; i < operands.size(); ++i) {
    addFloatBinary(builder, onednn::BinaryFunction::kAdd, target, operands[i], target);
  }
}

}  // namespace

void addBinary(Registry& registry) {
  Kernel binary;
  binary.name = "binary";
  binary.leastSources = 2;
  binary.keepsLayout = true;
  binary.build = buildBinary;
  registry.add(binary);

  Kernel sum;
  sum.name = "sum";
  sum.keepsLayout = true;
  sum.build = buildSum;
  registry.add(sum);
}

}  // namespace calibr8
