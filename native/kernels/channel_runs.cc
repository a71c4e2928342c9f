#include "kernels/channel_runs.h"

#include <algorithm>

namespace calibr8 {
namespace {

bool isAhead(const Channel& channel, const Channel& of, int64_t distance) {
  return channel.source == of.source && channel.index == of.index + distance;
}

std::vector<ChannelRun> runsWith(const std::vector<Channel>& channels, int64_t fromStep, int64_t toStep) {
  std::vector<ChannelRun> runs;
  auto count = static_cast<int64_t>(channels.size());
  for (int64_t lane = 0; lane < std::min(toStep, count); ++lane) {
    for (int64_t to = lane; to < count; to += toStep) {
      const Channel& from = channels[static_cast<size_t>(to)];
      if (to == lane || !isAhead(from, runs.back().from, runs.back().count * fromStep)) {
        runs.push_back({from, to, fromStep, toStep, 0});
      }
      ++runs.back().count;
    }
  }
  return runs;
}

}  // namespace

std::vector<ChannelRun> runsOf(const std::vector<Channel>& channels) {
  const Channel& first = channels[0];
  auto next = std::find_if(channels.begin(), channels.end(),
                           [&](const Channel& channel) { return isAhead(channel, first, 1); });
  // Shuffling few groups spreads neighbors, as far apart as there are groups.
  std::vector<ChannelRun> spread =
      runsWith(channels, 1, next == channels.end() ? 1 : next - channels.begin());
  int64_t step = channels.size() > 1 ? channels[1].index - first.index : 0;
  if (step < 1 || channels[1].source != first.source) return spread;
  // Many groups of few channels are the other way around: what was a group apart becomes neighbors.
  std::vector<ChannelRun> collected = runsWith(channels, step, 1);
  return collected.size() < spread.size() ? collected : spread;
}

}  // namespace calibr8
