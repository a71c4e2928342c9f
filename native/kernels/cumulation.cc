#include "kernels/axis_walk.h"
#include "kernels/element_types.h"
#include "kernels/families.h"

namespace calibr8 {

using onednn::Layout;

namespace {

template <typename T>
struct Line {
  const T* from;
  T* to;
  int64_t size;
  int64_t step;
  bool exclusive;
  bool product;

  void run() const {
    using C = ComputingType<T>;
    C total = static_cast<C>(product ? 1 : 0);
    for (int64_t i = 0; i < size; ++i) {
      // The source is read first: a reversed line may be written in place.
      C x = static_cast<C>(from[i * step]);
      C next = static_cast<C>(product ? total * x : total + x);
      to[i * step] = static_cast<T>(exclusive ? total : next);
      total = next;
    }
  }
};

void buildCumulation(StepBuilder& builder) {
  const Value& x = builder.source(0);
  const Value& y = builder.destination();
  builder.requireSameDims(x, y);
  builder.require(x.dtype == y.dtype && x.dtype != DataType::kBool, "'", x.name, "' is ", nameOf(x.dtype),
                  " and the destination ", nameOf(y.dtype), ".");
  builder.require(!x.dims.empty(), "a scalar has no axis.");
  const std::string& name = builder.params().word("algorithm");
  builder.require(name == "sum" || name == "mul", "there is no cumulation '", name, "'.");
  AxisWalk walk(x.dims, builder.axis(x));
  bool exclusive = builder.params().integer("exclusive", 0) != 0;
  bool reverse = builder.params().integer("reverse", 0) != 0;
  bool product = name == "mul";
  DataType type = x.dtype;
  Operand from = builder.read(0, Layout::rowMajor(x.dims, x.dtype));
  Operand to = builder.write(Layout::rowMajor(y.dims, y.dtype));
  builder.call("cumulation", {from, to}, [=](void* const* pointers, RunContext&) {
    withElementType(type, [&](auto element) {
      using T = decltype(element);
      if constexpr (!std::is_same_v<T, Bool>) {
        walk.forEachLine([&](int64_t outer, int64_t inner) {
          int64_t start = outer * walk.size * walk.inner + inner;
          if (reverse) start += (walk.size - 1) * walk.inner;
          Line<T>{static_cast<const T*>(pointers[0]) + start,
                  static_cast<T*>(pointers[1]) + start,
                  walk.size,
                  reverse ? -walk.inner : walk.inner,
                  exclusive,
                  product}
              .run();
        });
      }
    });
  });
}

}  // namespace

void addCumulation(Registry& registry) {
  Kernel kernel;
  kernel.name = "cumulation";
  kernel.build = buildCumulation;
  registry.add(kernel);
}

}  // namespace calibr8
