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
  tables_.resize(std::max(tables_.size(), static_cast<size_t>(threads)));
  for (auto& table : tables_) table.resize(2 * kBins, 0);
  size_t chunks = (count + kChunk - 1) / kChunk;
  std::atomic<uint64_t> counted{0};
#pragma omp parallel num_threads(threads)
  {
    uint32_t* table = tables_[static_cast<size_t>(omp_get_thread_num())].data();
    uint64_t own = 0;
#pragma omp for schedule(static)
    for (size_t chunk = 0; chunk < chunks; ++chunk) {
      size_t begin = chunk * kChunk;
      own += scanHistogram(data + begin, std::min(kChunk, count - begin), scale, table);
    }
    counted += own;
#pragma omp for schedule(static)
    for (size_t slot = 0; slot < 2 * kBins; ++slot) {
      for (auto& each : tables_) {
        histogram.slots[slot] += each[slot];
        each[slot] = 0;
      }
    }
  }
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
