#include "kernels/tile_weights.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/requantization.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

void packWeights(const int8_t* from, uint8_t* to, const TileShape& shape, const TileSource& source,
                 int32_t zeroPoint) {
  int64_t bytes = shape.weightsBytes();
  int64_t filter = source.filterElements();
  std::fill(to + bytes, to + shape.packedBytes(), uint8_t{0});
  // Lanes that stand for no channel, in the last block.
  int64_t whole = shape.out / kTileChannels * shape.blockBytes();
  std::fill(to + whole, to + bytes, uint8_t{0});
  // Of one filter, in the order of the products; the same for all.
  std::vector<int64_t> order;
  for (int64_t tap = 0; tap < shape.taps; ++tap) {
    for (int64_t c = 0; c < shape.in; ++c) order.push_back(source.weightOf(tap, c));
  }
  auto* start = reinterpret_cast<int32_t*>(to + bytes);
  float greatest = 0;
  for (int64_t channel = 0; channel < shape.out; ++channel) {
    int64_t block = channel / kTileChannels;
    int64_t lanes = (shape.channelsOf(block) + kTileLanes - 1) / kTileLanes * kTileLanes;
    int64_t number = shape.numberOf(channel);
    uint8_t* own = to + block * shape.blockBytes() + number % kTileChannels * kTileDepth;
    const int8_t* weights = from + channel * filter;
    int32_t sum = 0;
    int32_t magnitude = 0;
    for (size_t i = 0; i < order.size(); i += kTileDepth, own += lanes * kTileDepth) {
      int8_t group[kTileDepth];
      for (size_t k = 0; k < kTileDepth; ++k) {
        int64_t index = order[i + k];
        group[k] = index < 0 ? int8_t{0} : weights[index];
        sum += group[k];
        magnitude += std::abs(group[k]);
      }
      std::memcpy(own, group, kTileDepth);
    }
    start[number] = -zeroPoint * sum;
    greatest = std::max(greatest, magnitude * 255.0f);
  }
  *reinterpret_cast<float*>(to + bytes + shape.numbers() * 4) = greatest;
}

void packNumbers(const std::vector<float>& from, float* to, const TileShape& shape) {
  std::fill(to, to + shape.numbers(), 0.0f);
  for (int64_t c = 0; c < shape.out; ++c)
    to[shape.numberOf(c)] = from[from.size() > 1 ? static_cast<size_t>(c) : 0];
}

/** Numbers, and for each block whether all of it is whole: to find out takes as long as a tile. */
void packBias(const std::vector<float>& from, float* to, const TileShape& shape) {
  packNumbers(from, to, shape);
  for (int64_t block = 0; block < shape.blocks(); ++block) {
    const float* own = to + block * kTileChannels;
    to[shape.numbers() + block] = std::all_of(own, own + kTileChannels, isWhole) ? 1 : 0;
  }
}

}  // namespace

int64_t TileShape::numberOf(int64_t channel) const {
  int64_t block = channel / kTileChannels;
  return block * kTileChannels +
         static_cast<int64_t>(tilePosition(channel % kTileChannels, channelsOf(block)));
}

TileWeights::TileWeights(const void* packed, const TileShape& shape, int64_t block) {
  auto* bytes = static_cast<const int8_t*>(packed);
  auto* numbers = bytes + shape.weightsBytes();
  weights = bytes + block * shape.blockBytes();
  start = reinterpret_cast<const int32_t*>(numbers) + block * kTileChannels;
  greatest = *reinterpret_cast<const float*>(numbers + shape.numbers() * 4);
}

TileBias::TileBias(const void* packed, const TileShape& shape, int64_t block) {
  auto* numbers = static_cast<const float*>(packed);
  bias = numbers + block * kTileChannels;
  isWhole = numbers[shape.numbers() + block] != 0;
}

bool TileBias::addTo(int32_t* start, float greatest) const {
  if (!isWhole || greatest >= kExact) return false;
  for (int64_t i = 0; i < kTileChannels; ++i) start[i] += static_cast<int32_t>(bias[i]);
  return true;
}

std::shared_ptr<const Buffer> tileNumbers(const std::vector<float>& from, const TileShape& shape) {
  auto buffer = std::make_shared<Buffer>(static_cast<size_t>(shape.numbers()) * sizeof(float));
  packNumbers(from, reinterpret_cast<float*>(buffer->data()), shape);
  return buffer;
}

Operand readTileWeights(StepBuilder& builder, const TileShape& shape, const TileSource& source,
                        int32_t zeroPoint) {
  return builder.constant(1, Layout::rowMajor({shape.packedBytes()}, DataType::kUint8),
                          "tiled" + std::to_string(zeroPoint), [&](const uint8_t* from, uint8_t* to) {
                            packWeights(reinterpret_cast<const int8_t*>(from), to, shape, source, zeroPoint);
                          });
}

Operand readTileBias(StepBuilder& builder, const TileShape& shape, const Product& product,
                     const Requantization& to) {
  auto source = static_cast<size_t>(product.bias);
  DataType type = builder.source(source).dtype;
  return builder.constant(source, Layout::rowMajor({shape.numbers() + shape.blocks()}, DataType::kFloat32),
                          "tiled" + to.key(product), [&](const uint8_t* from, uint8_t* target) {
                            packBias(biasOfSums(product, to, from, type, shape.out),
                                     reinterpret_cast<float*>(target), shape);
                          });
}

}  // namespace calibr8
