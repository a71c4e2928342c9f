#ifndef CALIBR8_KERNELS_CHANNEL_RUNS_H_
#define CALIBR8_KERNELS_CHANNEL_RUNS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace calibr8 {

/** A channel of one of several sources. */
struct Channel {
  size_t source;
  int64_t index;
};

/** Every `fromStep`th channel of a source, which goes to every `toStep`th channel of the destination. */
struct ChannelRun {
  /** Where the first channel comes from, and where it goes. */
  Channel from;
  int64_t to;
  int64_t fromStep, toStep, count;
};

/**
 * The destination's channels, given where each comes from, at least one, as runs: few and long ones for what
 * joining, shuffling and splitting make; other orders may need one for each channel.
 */
std::vector<ChannelRun> runsOf(const std::vector<Channel>& channels);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_CHANNEL_RUNS_H_
