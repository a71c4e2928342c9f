#include <cmath>

#include "kernels/families.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

void buildResampling(StepBuilder& builder) {
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  size_t rank = x.dims.size();
  builder.require(rank >= 3 && rank <= 5, "expected 3 to 5 dimensions but received ", describe(x.dims), ".");
  builder.requireRank(y, rank);
  builder.require(x.sameQuantization(y), "source and destination differ in type or quantization.");
  builder.require(x.dtype == DataType::kFloat32 || isInt8(x.dtype), "'", x.name, "' is ", nameOf(x.dtype),
                  ".");
  builder.require(x.dims[0] == y.dims[0] && x.dims[1] == y.dims[1], describe(x.dims), " does not become ",
                  describe(y.dims), ".");
  const std::string& algorithm = builder.params().word("algorithm");
  builder.require(algorithm == "nearest" || algorithm == "linear", "there is no resampling '", algorithm,
                  "'.");
  onednn::ResamplingSpec spec;
  spec.linear = algorithm == "linear";
  spec.factors = builder.params().floats("factors", rank - 2);
  for (float factor : spec.factors)
    builder.require(std::isfinite(factor) && factor > 0, "factor ", factor, " is bad.");
  Layout current = builder.layout(0);
  std::optional<onednn::Description> best;
  for (const Layout& layout :
       {current, Layout::channelsLast(x.dims, x.dtype), Layout::rowMajor(x.dims, x.dtype)}) {
    spec.source = layout;
    spec.destination = layout.withDims(y.dims);
    auto description = onednn::makeResampling(builder.device(), spec);
    if (description && (!best || description->quality() < best->quality())) best = description;
    if (best && best->quality() == onednn::Quality::kOptimized) break;
  }
  builder.require(best.has_value(), "oneDNN has no resampling for this shape.");
  Operand from = builder.read(0, best->source());
  builder.call(*best, {{onednn::kSource, from}, {onednn::kDestination, builder.write(best->destination())}});
}

}  // namespace

void addResampling(Registry& registry) {
  Kernel kernel;
  kernel.name = "resampling";
  kernel.keepsLayout = true;
  kernel.build = buildResampling;
  registry.add(kernel);
}

}  // namespace calibr8
