#include "kernels/broadcast.h"

#include <algorithm>
#include <numeric>

#include "kernels/parallel.h"
#include "kernels/strided.h"

namespace calibr8 {

using onednn::Layout;

namespace {

constexpr int64_t kBlock = 4096;

}  // namespace

BroadcastLoop::BroadcastLoop(const std::vector<Layout>& sources, const Layout& destination)
    : strides_(sources.size()), destinationSize_(static_cast<int64_t>(sizeOf(destination.type()))) {
  for (const Layout& source : sources) sizes_.push_back(static_cast<int64_t>(sizeOf(source.type())));
  Dims sizes = destination.dims();
  Dims strides = destination.strides();
  // The loop nest follows the destination's memory.
  std::vector<size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t p, size_t q) { return strides[p] > strides[q]; });
  for (size_t d : order) {
    if (sizes[d] == 1) continue;
    Dims steps;
    for (const Layout& source : sources) steps.push_back(source.dims()[d] == 1 ? 0 : source.strides()[d]);
    bool joins = !dims_.empty() && destinationStrides_.back() == strides[d] * sizes[d];
    for (size_t i = 0; joins && i < sources.size(); ++i) joins = strides_[i].back() == steps[i] * sizes[d];
    if (!joins) {
      dims_.push_back(1);
      destinationStrides_.push_back(0);
      for (Dims& each : strides_) each.push_back(0);
    }
    dims_.back() *= sizes[d];
    destinationStrides_.back() = strides[d];
    for (size_t i = 0; i < sources.size(); ++i) strides_[i].back() = steps[i];
  }
  if (dims_.empty()) {
    dims_ = {1};
    destinationStrides_ = {1};
    for (Dims& each : strides_) each = {0};
  }
}

void BroadcastLoop::run(void* const* pointers, RowFunction function, double alpha, double beta) const {
  Dims outer(dims_.begin(), dims_.end() - 1);
  int64_t length = dims_.back();
  int64_t blocks = (length + kBlock - 1) / kBlock;
  size_t count = strides_.size();
  auto outerOffset = [](const Odometer& odometer, const Dims& strides) {
    int64_t sum = 0;
    for (size_t i = 0; i < odometer.index().size(); ++i) sum += odometer.index()[i] * strides[i];
    return sum;
  };
  size_t grain = static_cast<size_t>(std::max<int64_t>(1, 16384 / std::min(length, kBlock)));
  parallelFor(static_cast<size_t>(countOf(outer) * blocks), grain, [&](size_t begin, size_t end) {
    Odometer odometer(outer);
    odometer.seek(static_cast<int64_t>(begin) / blocks);
    for (size_t i = begin; i < end; ++i) {
      int64_t first = static_cast<int64_t>(i) % blocks * kBlock;
      Row row;
      row.count = std::min(kBlock, length - first);
      row.alpha = alpha;
      row.beta = beta;
      for (size_t k = 0; k < count; ++k) {
        int64_t offset = outerOffset(odometer, strides_[k]) + first * strides_[k].back();
        row.sources[k] = static_cast<const uint8_t*>(pointers[k]) + offset * sizes_[k];
        row.steps[k] = strides_[k].back();
      }
      int64_t offset = outerOffset(odometer, destinationStrides_) + first;
      row.destination = static_cast<uint8_t*>(pointers[count]) + offset * destinationSize_;
      function(row);
      if (first + kBlock >= length) odometer.next();
    }
  });
}

}  // namespace calibr8
