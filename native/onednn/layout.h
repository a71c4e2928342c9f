#ifndef CALIBR8_ONEDNN_LAYOUT_H_
#define CALIBR8_ONEDNN_LAYOUT_H_

#include <oneapi/dnnl/dnnl.hpp>
#include <string>

#include "plan/data_type.h"

namespace calibr8::onednn {

dnnl::memory::data_type dataTypeOf(DataType type);

/**
 * Where each element of a value is in memory: a memory descriptor that also knows our data type (oneDNN has
 * neither int64 nor bool, for example: such types are laid out as others and never reach a primitive). A
 * scalar has dimensions [1].
 */
class Layout {
 public:
  Layout() = default;
  Layout(dnnl::memory::desc desc, DataType type) : desc_(std::move(desc)), type_(type) {}

  static Layout rowMajor(const Dims& dims, DataType type);
  /** [N, C, spatial...] with the channels innermost. */
  static Layout channelsLast(const Dims& dims, DataType type);
  static Layout strided(const Dims& dims, DataType type, const Dims& strides);
  /** The primitive shall choose. */
  static Layout any(const Dims& dims, DataType type);

  bool defined() const;
  const dnnl::memory::desc& desc() const { return desc_; }
  DataType type() const { return type_; }
  Dims dims() const;
  int rank() const;
  size_t bytes() const;
  int64_t elements() const { return countOf(dims()); }
  bool isAny() const;

  /** Same place for every element and same data type; strides of dimensions of size 1 do not matter. */
  bool operator==(const Layout& other) const { return type_ == other.type_ && sameOrder(other); }
  bool operator!=(const Layout& other) const { return !(*this == other); }
  /** Same place for every element, whatever the data types. */
  bool sameOrder(const Layout& other) const;

  /** Without inner blocks; strides() is then meaningful. */
  bool isPlain() const;
  Dims strides() const;
  /** Elements are where a dense row-major array has them (strides of dimensions of size 1 do not matter). */
  bool isRowMajor() const;
  bool isChannelsLast() const;
  /** As many elements in memory as in the value: no holes, no padded channels. */
  bool isDense() const;

  Layout withType(DataType type) const;
  /** The same order and blocks for other sizes of the same rank, for example across a pooling. */
  Layout withDims(const Dims& dims) const;
  /** A window of a plain or suitably blocked layout; undefined when blocks do not allow it. */
  Layout window(const Dims& dims, const Dims& offsets) const;
  /** Dimension i of the result is dimension permutation[i] of this one. Plain layouts only. */
  Layout permuted(const Dims& permutation) const;

  /** All bytes that tell this layout from others, compensation flags of weights included. */
  std::string key() const;

 private:
  dnnl::memory::desc desc_;
  DataType type_ = DataType::kFloat32;
};

/** Strides of a dense row-major array. */
Dims rowMajorStrides(const Dims& dims);

}  // namespace calibr8::onednn

#endif  // CALIBR8_ONEDNN_LAYOUT_H_
