// The parts of Layout that look inside a descriptor: oneDNN 2 exposes a struct, oneDNN 3 only queries.
#include <algorithm>
#include <numeric>
#include <vector>

#include "onednn/layout.h"

namespace calibr8::onednn {
namespace {

const dnnl_blocking_desc_t& blocking(const dnnl::memory::desc& desc) {
  return desc.data.format_desc.blocking;
}

/** The blocks of one dimension multiplied. */
int64_t blockOf(const dnnl::memory::desc& desc, int dimension) {
  int64_t block = 1;
  for (int i = 0; i < blocking(desc).inner_nblks; ++i) {
    if (blocking(desc).inner_idxs[i] == dimension) block *= blocking(desc).inner_blks[i];
  }
  return block;
}

bool isBlocked(const dnnl::memory::desc& desc) {
  return desc.data.ndims > 0 && desc.data.format_kind == dnnl_blocked;
}

bool isPadded(const dnnl::memory::desc& desc) {
  return !std::equal(desc.data.dims, desc.data.dims + desc.data.ndims, desc.data.padded_dims);
}

}  // namespace

bool Layout::defined() const { return desc_.data.ndims > 0; }

Dims Layout::dims() const { return Dims(desc_.data.dims, desc_.data.dims + desc_.data.ndims); }

int Layout::rank() const { return desc_.data.ndims; }

bool Layout::isAny() const { return desc_.data.format_kind == dnnl_format_kind_any; }

bool Layout::isPlain() const {
  return isBlocked(desc_) && blocking(desc_).inner_nblks == 0 && desc_.data.extra.flags == 0 &&
         !isPadded(desc_);
}

Dims Layout::strides() const {
  const auto& strides = blocking(desc_).strides;
  return Dims(strides, strides + desc_.data.ndims);
}

bool Layout::isRowMajor() const {
  if (!isBlocked(desc_) || isPadded(desc_) || desc_.data.extra.flags != 0 || desc_.data.offset0 != 0)
    return false;
  struct Factor {
    int dimension;
    int64_t size;
    int64_t stride;
  };
  // Each dimension is split into its outer part and its inner blocks; row-major wants them nested in order.
  const auto& blocks = blocking(desc_);
  std::vector<std::vector<Factor>> factors(desc_.data.ndims);
  for (int d = 0; d < desc_.data.ndims; ++d) {
    factors[d].push_back({d, desc_.data.padded_dims[d] / blockOf(desc_, d), blocks.strides[d]});
  }
  int64_t innerStride = 1;
  std::vector<std::vector<Factor>> inner(desc_.data.ndims);
  for (int i = blocks.inner_nblks; i-- > 0;) {
    int d = static_cast<int>(blocks.inner_idxs[i]);
    inner[d].push_back({d, blocks.inner_blks[i], innerStride});
    innerStride *= blocks.inner_blks[i];
  }
  int64_t expected = 1;
  for (int d = desc_.data.ndims; d-- > 0;) {
    inner[d].push_back(factors[d][0]);
    for (const Factor& factor : inner[d]) {
      if (factor.size > 1 && factor.stride != expected) return false;
      expected *= std::max<int64_t>(factor.size, 1);
    }
  }
  return true;
}

bool Layout::sameOrder(const Layout& other) const {
  const dnnl_memory_desc_t& a = desc_.data;
  const dnnl_memory_desc_t& b = other.desc_.data;
  if (!isBlocked(desc_) || !isBlocked(other.desc_) || a.extra.flags != 0 || b.extra.flags != 0) {
    return desc_ == other.withType(type_).desc_;
  }
  if (a.ndims != b.ndims || !std::equal(a.dims, a.dims + a.ndims, b.dims) || a.offset0 != b.offset0)
    return false;
  if (isRowMajor() && other.isRowMajor()) return true;
  if (!std::equal(a.padded_dims, a.padded_dims + a.ndims, b.padded_dims)) return false;
  const auto& x = blocking(desc_);
  const auto& y = blocking(other.desc_);
  if (x.inner_nblks != y.inner_nblks) return false;
  for (int i = 0; i < x.inner_nblks; ++i) {
    if (x.inner_blks[i] != y.inner_blks[i] || x.inner_idxs[i] != y.inner_idxs[i]) return false;
  }
  for (int d = 0; d < a.ndims; ++d) {
    if (a.padded_dims[d] / blockOf(desc_, d) > 1 && x.strides[d] != y.strides[d]) return false;
  }
  return true;
}

Layout Layout::withType(DataType type) const {
  Layout result = *this;
  result.type_ = type;
  result.desc_.data.data_type = static_cast<dnnl_data_type_t>(dataTypeOf(type));
  return result;
}

Layout Layout::withDims(const Dims& dims) const {
  int rank = desc_.data.ndims;
  if (static_cast<int>(dims.size()) != rank || !isBlocked(desc_)) return rowMajor(dims, type_);
  std::vector<int> order(rank);
  std::iota(order.begin(), order.end(), 0);
  const auto& old = blocking(desc_);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    if (old.strides[a] != old.strides[b]) return old.strides[a] > old.strides[b];
    return desc_.data.dims[a] > desc_.data.dims[b];
  });
  Layout result = *this;
  dnnl_memory_desc_t& data = result.desc_.data;
  data.extra = {};
  data.offset0 = 0;
  int64_t stride = 1;
  for (int i = 0; i < old.inner_nblks; ++i) stride *= old.inner_blks[i];
  for (int i = rank; i-- > 0;) {
    int d = order[i];
    int64_t block = blockOf(desc_, d);
    data.dims[d] = dims[d];
    data.padded_dims[d] = (dims[d] + block - 1) / block * block;
    data.padded_offsets[d] = 0;
    data.format_desc.blocking.strides[d] = stride;
    stride *= std::max<int64_t>(data.padded_dims[d] / block, 1);
  }
  return result;
}

Layout Layout::window(const Dims& dims, const Dims& offsets) const {
  dnnl::memory::desc desc = desc_.submemory_desc(dims, offsets, /*allow_empty=*/true);
  return desc.data.ndims == 0 ? Layout() : Layout(desc, type_);
}

std::string Layout::key() const {
  return std::string(reinterpret_cast<const char*>(&desc_.data), sizeof(desc_.data)) + nameOf(type_);
}

}  // namespace calibr8::onednn
