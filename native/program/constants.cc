#include "program/constants.h"

#include <algorithm>
#include <cstring>

namespace calibr8 {
namespace {

uint64_t mix(uint64_t a, uint64_t b) {
  __uint128_t product = static_cast<__uint128_t>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

void multiply(const ConstantView& view, float* to) {
  size_t count = view.bytes / sizeof(float);
  for (size_t start = 0, channel = 0; start < count; start += view.inner) {
    double factor = view.factors[channel];
    channel = channel + 1 == view.channels ? 0 : channel + 1;
    for (size_t i = start; i < start + view.inner; ++i) {
      float number;
      std::memcpy(&number, view.data + i * sizeof(float), sizeof(float));
      to[i] = static_cast<float>(number * factor);
    }
  }
}

std::string fingerprint(const ConstantView& view) {
  if (view.factors) {
    ConstantView factors{reinterpret_cast<const uint8_t*>(view.factors), view.channels * sizeof(double)};
    return fingerprint({view.data, view.bytes}) + fingerprint(factors) + std::to_string(view.inner);
  }
  constexpr uint64_t kSeeds[4] = {0x2d358dccaa6c78a5u, 0x8bb84b93962eacc9u, 0x4b33a62ed433d4a3u,
                                  0x4d5a2da51de1aa47u};
  uint64_t lanes[4] = {kSeeds[0] ^ view.bytes, kSeeds[1], kSeeds[2], kSeeds[3]};
  size_t i = 0;
  for (; i + 32 <= view.bytes; i += 32) {
    uint64_t words[4];
    std::memcpy(words, view.data + i, 32);
    for (int lane = 0; lane < 4; ++lane) lanes[lane] = mix(lanes[lane] ^ words[lane], kSeeds[lane] + lane);
  }
  uint64_t tail[4] = {0, 0, 0, 0};
  if (i < view.bytes) std::memcpy(tail, view.data + i, view.bytes - i);
  for (int lane = 0; lane < 4; ++lane) lanes[lane] = mix(lanes[lane] ^ tail[lane], kSeeds[3 - lane]);
  uint64_t result[2] = {mix(lanes[0] ^ lanes[1], lanes[2] ^ kSeeds[0]) ^ lanes[3],
                        mix(lanes[2] ^ lanes[3], lanes[1] ^ kSeeds[1]) ^ lanes[0]};
  return std::string(reinterpret_cast<const char*>(result), sizeof(result));
}

std::shared_ptr<const Buffer> ConstantStore::get(const std::string& key, size_t bytes, const Make& make) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = entries_.find(key);
  if (found != entries_.end()) {
    if (auto existing = found->second.lock()) return existing;
  } else if (entries_.size() >= pruneAt_) {
    prune();
  }
  auto buffer = std::make_shared<Buffer>(bytes);
  make(buffer->data());
  entries_[key] = buffer;
  return buffer;
}

void ConstantStore::prune() {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    entry = entry->second.expired() ? entries_.erase(entry) : std::next(entry);
  }
  pruneAt_ = std::max(kLeastPruned, 2 * entries_.size());
}

}  // namespace calibr8
