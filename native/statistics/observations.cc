#include "statistics/observations.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "kernels/parallel.h"
#include "statistics/scan.h"

namespace calibr8 {
namespace {

// Fixed, so that sums do not depend on the number of threads.
constexpr size_t kChunk = 16384;
// Below this, merging a table of 65536 slots costs more than a second thread saves.
constexpr size_t kParallelFrom = 8 * kBins;
constexpr size_t kSlots = 4096;

}  // namespace

void Observations::observe(int64_t observer, const float* data, size_t count) {
  Statistics<uint32_t>& statistics = entries_[observer];
  std::vector<Moments> chunks((count + kChunk - 1) / kChunk);
  parallelFor(count, kChunk, [&](size_t begin, size_t end) {
    chunks[begin / kChunk] = scanMoments(data + begin, end - begin);
  });
  Moments moments;
  for (const Moments& chunk : chunks) moments.merge(chunk);
  statistics.moments.merge(moments);
  if (moments.count == 0) return;
  float magnitude = std::max(std::fabs(moments.min), std::fabs(moments.max));
  if (magnitude == 0) {
    statistics.histogram.zeros += moments.count;
    return;
  }
  statistics.histogram.widen(std::max(rangeFor(magnitude), statistics.histogram.range));
  statistics.histogram.negative = statistics.histogram.negative || moments.min < 0;
  statistics.histogram.zeros += moments.count - fill(statistics.histogram, data, count);
}

uint64_t Observations::fill(Histogram<uint32_t>& histogram, const float* data, size_t count) {
  const float scale = static_cast<float>(static_cast<double>(kBins) / histogram.range);
  int threads = count < kParallelFrom ? 1 : omp_get_max_threads();
  if (threads == 1) return scanHistogram(data, count, scale, histogram.slots.data());
  auto shares = static_cast<size_t>(threads);
  tables_.resize(std::max(tables_.size(), shares));
  for (auto& table : tables_) table.resize(2 * kBins, 0);
  size_t chunks = (count + kChunk - 1) / kChunk;
  std::atomic<uint64_t> counted{0};
  parallelFor(shares, 1, [&](size_t share, size_t) {
    uint64_t own = 0;
    for (size_t chunk = chunks * share / shares; chunk < chunks * (share + 1) / shares; ++chunk) {
      size_t begin = chunk * kChunk;
      own += scanHistogram(data + begin, std::min(kChunk, count - begin), scale, tables_[share].data());
    }
    counted += own;
  });
  parallelFor(2 * kBins, kSlots, [&](size_t begin, size_t end) {
    for (auto& each : tables_) {
      for (size_t slot = begin; slot < end; ++slot) {
        histogram.slots[slot] += each[slot];
        each[slot] = 0;
      }
    }
  });
  return counted;
}

void Observations::clear() {
  for (auto& [observer, statistics] : entries_) statistics.clear();
}

size_t Observations::bytes() const {
  size_t bytes = tables_.size() * 2 * kBins * sizeof(uint32_t);
  for (const auto& [observer, statistics] : entries_)
    bytes += statistics.histogram.slots.size() * sizeof(uint32_t);
  return bytes;
}

void merge(Totals& totals, const Observations& observations) {
  for (const auto& [observer, statistics] : observations.entries()) {
    if (statistics.moments.count + statistics.moments.nonFinite > 0) totals[observer].merge(statistics);
  }
}

}  // namespace calibr8
