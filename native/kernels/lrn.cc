#include "kernels/families.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

void buildLrn(StepBuilder& builder) {
  const Value& x = builder.source(0);
  builder.requireFloat(x);
  builder.requireFloat(builder.destination());
  builder.requireSameDims(x, builder.destination());
  builder.require(x.dims.size() >= 2 && x.dims.size() <= 5, "expected 2 to 5 dimensions.");
  const Params& params = builder.params();
  onednn::LrnSpec spec;
  spec.size = params.integer("size");
  builder.require(spec.size >= 1 && spec.size <= 1 << 20, "size ", spec.size, " is out of range.");
  spec.alpha = static_cast<float>(params.number("alpha"));
  spec.beta = static_cast<float>(params.number("beta"));
  spec.k = static_cast<float>(params.number("k", 1));
  std::optional<onednn::Description> best;
  Layout current = builder.layout(0);
  for (const Layout& layout :
       {current, Layout::rowMajor(x.dims, x.dtype), Layout::channelsLast(x.dims, x.dtype)}) {
    spec.source = layout;
    auto description = onednn::makeLrn(builder.device(), spec);
    if (description && (!best || description->quality() < best->quality())) best = description;
    if (best && best->quality() == onednn::Quality::kOptimized) break;
  }
  builder.require(best.has_value(), "oneDNN has no LRN for this shape.");
  Operand from = builder.read(0, best->source());
  builder.call(*best, {{onednn::kSource, from}, {onednn::kDestination, builder.write(best->destination())}});
}

}  // namespace

void addLrn(Registry& registry) {
  Kernel kernel;
  kernel.name = "lrn";
  kernel.keepsLayout = true;
  kernel.build = buildLrn;
  registry.add(kernel);
}

}  // namespace calibr8
