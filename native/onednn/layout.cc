#include "onednn/layout.h"

#include <algorithm>
#include <numeric>

namespace calibr8::onednn {
namespace {

using Tag = dnnl::memory::format_tag;

Dims atLeastOne(const Dims& dims) { return dims.empty() ? Dims{1} : dims; }

}  // namespace

dnnl::memory::data_type dataTypeOf(DataType type) {
  if (type == DataType::kFloat32) return dnnl::memory::data_type::f32;
  if (type == DataType::kInt8) return dnnl::memory::data_type::s8;
  // The rest has a stand-in of the same size, or of half the size where oneDNN has none of 8 bytes.
  switch (sizeOf(type)) {
    case 1:
      return dnnl::memory::data_type::u8;
    case 2:
      return dnnl::memory::data_type::bf16;
    default:
      return dnnl::memory::data_type::s32;
  }
}

Dims rowMajorStrides(const Dims& dims) {
  Dims strides(dims.size(), 1);
  // Empty dimensions count as one, so that every stride stays positive.
  for (size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * std::max<int64_t>(dims[i], 1);
  return strides;
}

Layout Layout::rowMajor(const Dims& dims, DataType type) {
  Dims sizes = atLeastOne(dims);
  return strided(sizes, type, rowMajorStrides(sizes));
}

Layout Layout::channelsLast(const Dims& dims, DataType type) {
  if (dims.size() < 3) return rowMajor(dims, type);
  Dims order;
  order.push_back(dims[0]);
  order.insert(order.end(), dims.begin() + 2, dims.end());
  order.push_back(dims[1]);
  Dims ordered = rowMajorStrides(order);
  Dims strides(dims.size());
  strides[0] = ordered[0];
  strides[1] = ordered.back();
  for (size_t i = 2; i < dims.size(); ++i) strides[i] = ordered[i - 1];
  return strided(dims, type, strides);
}

Layout Layout::strided(const Dims& dims, DataType type, const Dims& strides) {
  return Layout(dnnl::memory::desc(dims, dataTypeOf(type), strides), type);
}

Layout Layout::any(const Dims& dims, DataType type) {
  return Layout(dnnl::memory::desc(atLeastOne(dims), dataTypeOf(type), Tag::any), type);
}

size_t Layout::bytes() const { return desc_.get_size() * (sizeOf(type_) == 8 ? 2 : 1); }

bool Layout::isDense() const {
  return !isAny() && bytes() == static_cast<size_t>(elements()) * sizeOf(type_);
}

bool Layout::isChannelsLast() const {
  if (!isPlain() || !isDense()) return false;
  Dims sizes = dims();
  if (sizes.size() < 3) return isRowMajor();
  Dims wanted = channelsLast(sizes, type_).strides();
  Dims actual = strides();
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] > 1 && actual[i] != wanted[i]) return false;
  }
  return true;
}

Layout Layout::permuted(const Dims& permutation) const {
  Dims sizes = dims();
  Dims steps = strides();
  Dims newSizes(sizes.size());
  Dims newSteps(sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    newSizes[i] = sizes[permutation[i]];
    newSteps[i] = steps[permutation[i]];
  }
  return strided(newSizes, type_, newSteps);
}

}  // namespace calibr8::onednn
