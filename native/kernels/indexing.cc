#include <cstring>

#include "kernels/axis_walk.h"
#include "kernels/element_types.h"
#include "kernels/families.h"
#include "kernels/strided.h"

namespace calibr8 {

using onednn::Layout;

namespace {

Operand readPlain(StepBuilder& builder, size_t i) {
  return builder.read(i, Layout::rowMajor(builder.source(i).dims, builder.source(i).dtype));
}

Operand writePlain(StepBuilder& builder) {
  return builder.write(Layout::rowMajor(builder.destination().dims, builder.destination().dtype));
}

/** Where each element of an indices' tensor points to in the data: its own place but along the axis. */
struct ElementPlaces {
  Dims dims, strides;
  size_t axis;
  int64_t size;
  DataType type;
  std::string label;

  ElementPlaces(const StepView& step, const Value& data, const Value& indices)
      : dims(indices.dims),
        strides(onednn::rowMajorStrides(data.dims)),
        axis(step.axis(data)),
        size(data.dims[axis]),
        type(indices.dtype),
        label(step.step().label()) {
    requireIndices(step, indices);
    bool fits = indices.dims.size() == data.dims.size();
    for (size_t i = 0; fits && i < dims.size(); ++i) fits = i == axis || dims[i] <= data.dims[i];
    step.require(fits, "indices ", describe(indices.dims), " do not fit ", describe(data.dims), ".");
  }

  /** Calls body(number of the index, offset in the data) for indices [begin, end). */
  template <typename Body>
  void forEach(const void* indices, int64_t begin, int64_t end, const Body& body) const {
    Odometer odometer(dims);
    odometer.seek(begin);
    for (int64_t i = begin; i < end; ++i, odometer.next()) {
      int64_t index = checkedIndex(indexAt(indices, type, i), size, label);
      body(i, odometer.offset(strides) + (index - odometer.index()[axis]) * strides[axis]);
    }
  }
};

void buildGatherElements(StepBuilder& builder) {
  const Value& x = builder.source(0);
  const Value& indices = builder.source(1);
  builder.require(!x.dims.empty(), "a scalar has no axis.");
  builder.requireSameDims(indices, builder.destination());
  builder.require(x.dtype == builder.destination().dtype, "source and destination differ in type.");
  ElementPlaces places(builder, x, indices);
  size_t size = sizeOf(x.dtype);
  int64_t count = indices.elements;
  Operand from = readPlain(builder, 0);
  Operand which = readPlain(builder, 1);
  builder.call("gather_elements", {from, which, writePlain(builder)},
               [=](void* const* pointers, RunContext&) {
                 auto* source = static_cast<const uint8_t*>(pointers[0]);
                 auto* destination = static_cast<uint8_t*>(pointers[2]);
                 places.forEach(pointers[1], 0, count, [&](int64_t i, int64_t offset) {
                   std::memcpy(destination + static_cast<size_t>(i) * size,
                               source + static_cast<size_t>(offset) * size, size);
                 });
               });
}

/** Which slice of the data each tuple of indices names. */
struct SlicePlaces {
  Dims axes, strides;
  int64_t tuples, width, slice;
  /** Tuples and elements of one batch. */
  int64_t batchTuples, batchElements;
  DataType type;
  std::string label;

  SlicePlaces(const StepView& step, const Value& data, const Value& indices, size_t batch)
      : type(indices.dtype), label(step.step().label()) {
    requireIndices(step, indices);
    bool fits = indices.dims.size() > batch && data.dims.size() >= batch;
    width = fits ? indices.dims.back() : 0;
    size_t last = batch + static_cast<size_t>(width);
    fits = fits && last <= data.dims.size();
    for (size_t i = 0; fits && i < batch; ++i) fits = indices.dims[i] == data.dims[i];
    step.require(fits, "indices ", describe(indices.dims), " do not fit ", describe(data.dims), ".");
    Dims all = onednn::rowMajorStrides(data.dims);
    auto at = [](const Dims& dims, size_t i) { return dims.begin() + static_cast<std::ptrdiff_t>(i); };
    axes.assign(at(data.dims, batch), at(data.dims, last));
    strides.assign(at(all, batch), at(all, last));
    slice = countOf(Dims(at(data.dims, last), data.dims.end()));
    tuples = countOf(Dims(indices.dims.begin(), indices.dims.end() - 1));
    int64_t batches = countOf(Dims(data.dims.begin(), at(data.dims, batch)));
    batchTuples = batches > 0 ? std::max<int64_t>(1, tuples / batches) : 1;
    batchElements = countOf(Dims(at(data.dims, batch), data.dims.end()));
  }

  /** The first element of the slice that tuple i names. */
  int64_t offset(const void* indices, int64_t i) const {
    int64_t sum = i / batchTuples * batchElements;
    for (int64_t k = 0; k < width; ++k) {
      size_t axis = static_cast<size_t>(k);
      sum += checkedIndex(indexAt(indices, type, i * width + k), axes[axis], label) * strides[axis];
    }
    return sum;
  }
};

void buildGatherNd(StepBuilder& builder) {
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  builder.require(x.dtype == y.dtype, "source and destination differ in type.");
  int64_t batch = builder.params().integer("batchDims", 0);
  builder.require(batch >= 0 && batch <= 12, "batchDims ", batch, " is out of range.");
  SlicePlaces places(builder, x, builder.source(1), static_cast<size_t>(batch));
  builder.require(y.elements == places.tuples * places.slice, "the destination is ", describe(y.dims), ".");
  size_t bytes = static_cast<size_t>(places.slice) * sizeOf(x.dtype);
  size_t size = sizeOf(x.dtype);
  Operand from = readPlain(builder, 0);
  Operand which = readPlain(builder, 1);
  builder.call("gather_nd", {from, which, writePlain(builder)}, [=](void* const* pointers, RunContext&) {
    for (int64_t i = 0; i < places.tuples; ++i) {
      std::memcpy(static_cast<uint8_t*>(pointers[2]) + static_cast<size_t>(i) * bytes,
                  static_cast<const uint8_t*>(pointers[0]) +
                      static_cast<size_t>(places.offset(pointers[1], i)) * size,
                  bytes);
    }
  });
}

enum class Update { kReplace, kAdd, kMul, kMax, kMin };

Update readUpdate(const StepView& step) {
  const std::string& name = step.params().word("algorithm");
  if (name == "add") return Update::kAdd;
  if (name == "mul") return Update::kMul;
  if (name == "max") return Update::kMax;
  if (name == "min") return Update::kMin;
  step.require(name == "none", "there is no update '", name, "'.");
  return Update::kReplace;
}

template <typename T>
void apply(Update update, T& into, T value) {
  using C = ComputingType<T>;
  switch (update) {
    case Update::kReplace:
      into = value;
      break;
    case Update::kAdd:
      into = static_cast<T>(static_cast<C>(into) + static_cast<C>(value));
      break;
    case Update::kMul:
      into = static_cast<T>(static_cast<C>(into) * static_cast<C>(value));
      break;
    case Update::kMax:
      if (value > into) into = value;
      break;
    case Update::kMin:
      if (value < into) into = value;
      break;
  }
}

/** Copies the data, then calls change(destination, indices, updates) with typed pointers. */
template <typename Change>
void addScatter(StepBuilder& builder, const char* name, const Change& change) {
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  builder.requireSameDims(x, y);
  builder.require(x.dtype == y.dtype && builder.source(2).dtype == x.dtype,
                  "data, updates and destination differ in type.");
  size_t bytes = x.bytes();
  DataType type = x.dtype;
  Operand from = readPlain(builder, 0);
  Operand which = readPlain(builder, 1);
  Operand values = readPlain(builder, 2);
  builder.call(name, {from, which, values, writePlain(builder)}, [=](void* const* pointers, RunContext&) {
    if (bytes > 0) std::memcpy(pointers[3], pointers[0], bytes);
    withElementType(type, [&](auto element) {
      using T = decltype(element);
      change(static_cast<T*>(pointers[3]), pointers[1], static_cast<const T*>(pointers[2]));
    });
  });
}

void buildScatterElements(StepBuilder& builder) {
  builder.require(!builder.source(0).dims.empty(), "a scalar has no axis.");
  builder.requireSameDims(builder.source(1), builder.source(2));
  ElementPlaces places(builder, builder.source(0), builder.source(1));
  Update update = readUpdate(builder);
  int64_t count = builder.source(1).elements;
  // In order: of several updates of one element the last counts.
  addScatter(builder, "scatter_elements", [=](auto* into, const void* indices, const auto* values) {
    places.forEach(indices, 0, count,
                   [&](int64_t i, int64_t offset) { apply(update, into[offset], values[i]); });
  });
}

void buildScatterNd(StepBuilder& builder) {
  SlicePlaces places(builder, builder.source(0), builder.source(1), 0);
  builder.require(builder.source(2).elements == places.tuples * places.slice, "the updates are ",
                  describe(builder.source(2).dims), ".");
  Update update = readUpdate(builder);
  addScatter(builder, "scatter_nd", [=](auto* into, const void* indices, const auto* values) {
    for (int64_t i = 0; i < places.tuples; ++i) {
      int64_t offset = places.offset(indices, i);
      for (int64_t k = 0; k < places.slice; ++k)
        apply(update, into[offset + k], values[i * places.slice + k]);
    }
  });
}

}  // namespace

void addIndexing(Registry& registry) {
  Kernel gather;
  gather.name = "gather_elements";
  gather.leastSources = 2;
  gather.build = buildGatherElements;
  registry.add(gather);
  gather.name = "gather_nd";
  gather.build = buildGatherNd;
  registry.add(gather);

  Kernel scatter;
  scatter.name = "scatter_elements";
  scatter.leastSources = 3;
  scatter.emptySources = true;
  scatter.build = buildScatterElements;
  registry.add(scatter);
  scatter.name = "scatter_nd";
  scatter.build = buildScatterNd;
  registry.add(scatter);
}

}  // namespace calibr8
