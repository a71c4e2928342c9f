#ifndef CALIBR8_STATISTICS_OBSERVATIONS_H_
#define CALIBR8_STATISTICS_OBSERVATIONS_H_

#include <cstdint>
#include <map>
#include <vector>

#include "statistics/statistics.h"

namespace calibr8 {

/** What the observers of one run have seen. */
class Observations {
 public:
  using Entries = std::map<int64_t, Statistics<uint32_t>>;

  /** Adds `count` elements; over the calling stream's OpenMP team, with the same result for any team size. */
  void observe(int64_t observer, const float* data, size_t count);
  /** Forgets the figures but keeps the memory for the next run. */
  void clear();
  const Entries& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }
  size_t bytes() const;

 private:
  /** Adds the finite elements but zeros to a histogram that is wide enough; returns how many they were. */
  uint64_t fill(Histogram<uint32_t>& histogram, const float* data, size_t count);

  Entries entries_;
  /** Tables of the team's other threads. */
  std::vector<std::vector<uint32_t>> tables_;
};

/** The totals of a session, grown by commits. */
using Totals = std::map<int64_t, Statistics<uint64_t>>;
void merge(Totals& totals, const Observations& observations);

}  // namespace calibr8

#endif  // CALIBR8_STATISTICS_OBSERVATIONS_H_
