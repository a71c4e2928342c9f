#include <algorithm>

#include "kernels/average_pooling.h"
#include "kernels/families.h"
#include "kernels/max_pooling.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;
using Algorithm = onednn::PoolingSpec::Algorithm;

namespace {

onednn::PoolingSpec readSpec(const StepView& step) {
  const Value& x = step.source(0);
  const Value& y = step.destination();
  size_t rank = x.dims.size();
  step.require(rank >= 3 && rank <= 5, "expected 3 to 5 dimensions but received ", describe(x.dims), ".");
  step.requireRank(y, rank);
  step.require(x.dims[0] == y.dims[0] && x.dims[1] == y.dims[1], describe(x.dims), " does not become ",
               describe(y.dims), ".");
  const Params& params = step.params();
  const std::string& name = params.word("algorithm");
  onednn::PoolingSpec spec;
  if (name == "average_include_padding") {
    spec.algorithm = Algorithm::kAverageIncludePadding;
  } else if (name == "average_exclude_padding") {
    spec.algorithm = Algorithm::kAverageExcludePadding;
  } else {
    step.require(name == "max", "there is no pooling '", name, "'.");
  }
  size_t spatial = rank - 2;
  constexpr int64_t kMax = INT32_MAX;
  spec.kernel = params.integers("kernel", spatial, 1, kMax);
  spec.strides = params.integers("strides", spatial, 1, kMax);
  spec.dilations = params.integers("dilations", spatial, 1, kMax);
  spec.padsBegin = params.integers("padsBegin", spatial, 0, kMax);
  spec.padsEnd = params.integers("padsEnd", spatial, 0, kMax);
  int64_t window = 1;
  for (size_t i = 0; i < spatial; ++i) {
    // Below, reach < 2^62 and the window's size cannot overflow: it is limited before each product.
    int64_t reach = (spec.kernel[i] - 1) * spec.dilations[i] + 1;
    int64_t padded = x.dims[i + 2] + spec.padsBegin[i] + spec.padsEnd[i] - reach;
    step.require(padded >= 0 && padded / spec.strides[i] + 1 == y.dims[i + 2] && spec.padsBegin[i] < reach &&
                     spec.padsEnd[i] < reach + spec.strides[i],
                 "spatial axis ", i, ": sizes, strides and padding do not fit ", describe(x.dims), " -> ",
                 describe(y.dims), ".");
    step.require(window <= (int64_t{1} << 22) / spec.kernel[i], "the window is too large.");
    window *= spec.kernel[i];
  }
  return spec;
}

/** Integer sums of ours: where a zero point or a change of quantization is in the way of oneDNN, or its code
 * is slow. */
bool needsOwnAverage(const Value& x, const Value& y, const onednn::PoolingSpec& spec) {
  if (!isInt8(x.dtype)) return false;
  if (!x.sameQuantization(y)) return true;
  bool padded =
      std::any_of(spec.padsBegin.begin(), spec.padsBegin.end(), [](int64_t pad) { return pad > 0; }) ||
      std::any_of(spec.padsEnd.begin(), spec.padsEnd.end(), [](int64_t pad) { return pad > 0; });
  if (x.hasZeroPoint() && padded) return true;
  // A window over the whole image: oneDNN sums a pixel at a time into memory.
  return std::equal(spec.kernel.begin(), spec.kernel.end(), x.dims.begin() + 2);
}

void readShape(const Value& x, const Value& y, const onednn::PoolingSpec& spec, PoolingShape& shape) {
  shape.batch = x.dims[0];
  shape.channels = x.dims[1];
  size_t spatial = x.dims.size() - 2;
  for (size_t i = 0; i < spatial; ++i) {
    size_t axis = 3 - spatial + i;
    shape.in[axis] = x.dims[i + 2];
    shape.out[axis] = y.dims[i + 2];
    shape.kernel[axis] = spec.kernel[i];
    shape.strides[axis] = spec.strides[i];
    shape.dilations[axis] = spec.dilations[i];
    shape.pads[axis] = spec.padsBegin[i];
  }
}

void buildOwnMax(StepBuilder& builder, const onednn::PoolingSpec& spec) {
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  PoolingShape shape;
  readShape(x, y, spec, shape);
  MaxPooling pooling(shape, x.dtype);
  Operand from = builder.read(0, Layout::channelsLast(x.dims, x.dtype));
  Operand to = builder.write(Layout::channelsLast(y.dims, y.dtype));
  builder.call("max_pooling", {from, to},
               [pooling](void* const* pointers, RunContext&) { pooling.run(pointers[0], pointers[1]); });
}

void buildOwnAverage(StepBuilder& builder, const onednn::PoolingSpec& spec) {
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  builder.require(x.perTensor() && y.perTensor(), "expected one scale for source and destination.");
  builder.require(y.dtype == DataType::kFloat32 || isInt8(y.dtype), "the destination is ", nameOf(y.dtype),
                  ".");
  AveragePooling pooling;
  readShape(x, y, spec, pooling);
  pooling.includePadding = spec.algorithm == Algorithm::kAverageIncludePadding;
  pooling.from = x.dtype;
  pooling.to = y.dtype;
  pooling.numbers = {x.scale(), x.zeroPoint(), y.scale(), y.zeroPoint()};
  Operand from = builder.read(0, Layout::channelsLast(x.dims, x.dtype));
  Operand to = builder.write(Layout::channelsLast(y.dims, y.dtype));
  builder.call("average_pooling", {from, to},
               [pooling, windows = PoolingWindows(pooling)](void* const* pointers, RunContext&) {
                 pooling.run(windows, pointers[0], pointers[1]);
               });
}

void buildPooling(StepBuilder& builder) {
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  onednn::PoolingSpec spec = readSpec(builder);
  bool average = spec.algorithm != Algorithm::kMax;
  if (average && needsOwnAverage(x, y, spec)) return buildOwnAverage(builder, spec);
  builder.require(x.sameQuantization(y), "source and destination differ in type or quantization.");
  builder.require(x.dtype == DataType::kFloat32 || isInt8(x.dtype), "'", x.name, "' is ", nameOf(x.dtype),
                  ".");
  // oneDNN's takes four times as long.
  if (!average && isInt8(x.dtype) && builder.layout(0).isChannelsLast()) return buildOwnMax(builder, spec);
  std::optional<onednn::Description> best;
  Layout current = builder.layout(0);
  for (const Layout& layout :
       {current, Layout::channelsLast(x.dims, x.dtype), Layout::rowMajor(x.dims, x.dtype)}) {
    spec.source = layout;
    spec.destination = Layout::any(y.dims, y.dtype);
    auto description = onednn::makePooling(builder.device(), spec);
    if (description && (!best || description->quality() < best->quality())) best = description;
    if (best && best->quality() == onednn::Quality::kOptimized) break;
  }
  builder.require(best.has_value(), "oneDNN has no pooling for these shapes.");
  Operand from = builder.read(0, best->source());
  builder.call(*best, {{onednn::kSource, from}, {onednn::kDestination, builder.write(best->destination())}});
}

}  // namespace

void addPooling(Registry& registry) {
  Kernel kernel;
  kernel.name = "pooling";
  kernel.keepsLayout = true;
  kernel.build = buildPooling;
  registry.add(kernel);
}

}  // namespace calibr8
