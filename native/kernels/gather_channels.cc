#include <algorithm>
#include <numeric>
#include <optional>

#include "kernels/channel_runs.h"
#include "kernels/families.h"
#include "kernels/strided.h"
#include "kernels/weave.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

/** Where each channel of the destination comes from. */
std::vector<Channel> readChannels(const StepView& step) {
  const Value& y = step.destination();
  step.require(y.dims.size() >= 2, "'", y.name, "' has no channels.");
  // The number of the first channel of each source, and of all channels.
  Dims firsts = {0};
  for (size_t i = 0; i < step.sources(); ++i) {
    const Value& x = step.source(i);
    step.require(x.sameQuantization(y) && x.perTensor(), "'", x.name, "' and '", y.name,
                 "' differ in type or quantization.");
    bool fits = x.dims.size() == y.dims.size();
    for (size_t d = 0; fits && d < y.dims.size(); ++d) fits = d == 1 || x.dims[d] == y.dims[d];
    step.require(fits, "'", x.name, "' ", describe(x.dims), " does not fit ", describe(y.dims), ".");
    firsts.push_back(firsts.back() + x.dims[1]);
  }
  std::vector<Channel> channels;
  for (int64_t number :
       step.params().integers("channels", static_cast<size_t>(y.dims[1]), 0, firsts.back() - 1)) {
    auto source = std::upper_bound(firsts.begin(), firsts.end(), number) - firsts.begin() - 1;
    channels.push_back({static_cast<size_t>(source), number - firsts[static_cast<size_t>(source)]});
  }
  return channels;
}

/** A run as a copy of bytes: a source, the first byte there and in the destination, and what follows. */
struct Move {
  size_t source, from, to;
  StridedCopy copy;
};

/** Goes through the axes in the order that they have in the destination's memory. */
Move moveOf(const ChannelRun& run, const Layout& from, const Layout& to) {
  Dims dims = to.dims(), source = from.strides(), destination = to.strides();
  dims[1] = run.count;
  Dims order(dims.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return destination[static_cast<size_t>(a)] > destination[static_cast<size_t>(b)];
  });
  StridedCopy copy;
  copy.size = sizeOf(to.type());
  for (int64_t each : order) {
    auto axis = static_cast<size_t>(each);
    copy.dims.push_back(dims[axis]);
    copy.sourceStrides.push_back(source[axis] * (axis == 1 ? run.fromStep : 1));
    copy.destinationStrides.push_back(destination[axis] * (axis == 1 ? run.toStep : 1));
  }
  copy.simplify();
  auto offset = [&](int64_t channel, const Dims& strides) {
    return static_cast<size_t>(channel * strides[1]) * copy.size;
  };
  return {run.from.source, offset(run.from.index, source), offset(run.to, destination), copy};
}

/** The first plain layout of those that the consumers like and the sources have. */
Layout chooseLayout(const StepBuilder& builder) {
  const Value& y = builder.destination();
  std::vector<Layout> candidates = {builder.preferred()};
  for (size_t i = 0; i < builder.sources(); ++i) candidates.push_back(builder.layout(i));
  for (const Layout& layout : candidates) {
    if (layout.defined() && layout.isPlain() && layout.isDense())
      return layout.withDims(y.dims).withType(y.dtype);
  }
  return Layout::channelsLast(y.dims, y.dtype);
}

/** What shuffling two groups comes to where channels are innermost in memory: one pass over the destination.
 */
std::optional<Weave> weaveOf(const std::vector<ChannelRun>& runs, const std::vector<Operand>& sources,
                             const Layout& to) {
  size_t size = sizeOf(to.type());
  bool inTurns = runs.size() == 2 && runs[0].toStep == 2 && runs[0].fromStep == 1;
  if (!inTurns || runs[0].count != runs[1].count || size > 4) return std::nullopt;
  const Layout& a = sources[runs[0].from.source].layout;
  const Layout& b = sources[runs[1].from.source].layout;
  if (!a.isChannelsLast() || !b.isChannelsLast() || !to.isChannelsLast()) return std::nullopt;
  auto number = [](int64_t value) { return static_cast<size_t>(value); };
  return Weave{number(to.elements() / to.dims()[1]), number(runs[0].count), number(a.dims()[1]),
               number(b.dims()[1]), size};
}

void buildGatherChannels(StepBuilder& builder) {
  std::vector<ChannelRun> runs = runsOf(readChannels(builder));
  Layout layout = chooseLayout(builder);
  std::vector<Operand> operands;
  for (size_t i = 0; i < builder.sources(); ++i) {
    Layout current = builder.layout(i);
    operands.push_back(current.isPlain() ? builder.read(i)
                                         : builder.read(i, layout.withDims(builder.source(i).dims)));
  }
  std::vector<Move> moves;
  for (const ChannelRun& run : runs) moves.push_back(moveOf(run, operands[run.from.source].layout, layout));
  auto weave = weaveOf(runs, operands, layout);
  operands.push_back(builder.write(layout));
  size_t last = operands.size() - 1;
  builder.call("gather_channels", operands, [moves, weave, last](void* const* pointers, RunContext&) {
    auto sourceOf = [&](const Move& move) {
      return static_cast<const uint8_t*>(pointers[move.source]) + move.from;
    };
    auto* destination = static_cast<uint8_t*>(pointers[last]);
    if (weave) return weave->run(sourceOf(moves[0]), sourceOf(moves[1]), destination);
    for (const Move& move : moves) move.copy.run(sourceOf(move), destination + move.to);
  });
}

}  // namespace

void addGatherChannels(Registry& registry) {
  Kernel kernel;
  kernel.name = "gather_channels";
  kernel.emptySources = true;
  kernel.keepsLayout = true;
  kernel.build = buildGatherChannels;
  registry.add(kernel);
}

}  // namespace calibr8
