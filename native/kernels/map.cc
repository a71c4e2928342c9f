#include "kernels/families.h"
#include "kernels/map_functions.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

MapFunction findFunction(const StepView& step) {
  const std::string& name = step.params().word("algorithm");
  const Value& y = step.destination();
  if (name == "cast") return findCast(step.source(0).dtype, y.dtype);
  if (name == "where") return findSelection(name, y.dtype);
  DataType type = step.source(0).dtype;
  MapFunction found;
  if (type == DataType::kFloat32) found = findFloatFunction(name);
  if (!found.row) found = findUnaryFunction(name, type);
  if (!found.row) found = findBinaryFunction(name, type);
  if (!found.row) found = findComparison(name, type);
  return found;
}

DataType resultType(const StepView& step) {
  const std::string& name = step.params().word("algorithm");
  DataType type = step.source(0).dtype;
  bool test = name == "is_nan" || name == "is_inf" || findComparison(name, type).row != nullptr;
  return test ? DataType::kBool : type;
}

void checkTypes(const StepView& step) {
  const std::string& name = step.params().word("algorithm");
  const Value& y = step.destination();
  if (name == "cast") return;
  bool select = name == "where";
  if (select) step.require(step.source(0).dtype == DataType::kBool, "the condition is no bool.");
  DataType type = step.source(select ? 1 : 0).dtype;
  for (size_t i = select ? 1 : 0; i < step.sources(); ++i) {
    step.require(step.source(i).dtype == type, "the operands are ", nameOf(type), " and ",
                 nameOf(step.source(i).dtype), ".");
  }
  DataType wanted = select ? type : resultType(step);
  step.require(y.dtype == wanted, "expected a destination of ", nameOf(wanted), " but it is ",
               nameOf(y.dtype), ".");
}

void checkShapes(const StepView& step) {
  const Dims& to = step.destination().dims;
  for (size_t k = 0; k < step.sources(); ++k) {
    const Dims& from = step.source(k).dims;
    bool fits = from.size() == to.size();
    for (size_t i = 0; fits && i < to.size(); ++i) fits = from[i] == to[i] || from[i] == 1;
    step.require(fits, describe(from), " does not broadcast to ", describe(to), ".");
  }
}

/** The layout of a source as large as the destination, where its elements lie without holes, else row-major.
 */
Layout destinationLayout(const StepBuilder& builder) {
  const Value& y = builder.destination();
  for (size_t i = 0; i < builder.sources(); ++i) {
    if (builder.source(i).dims != y.dims || builder.isConstant(i)) continue;
    Layout layout = builder.layout(i);
    if (layout.isPlain() && layout.isDense()) return layout.withType(y.dtype);
  }
  return Layout::rowMajor(y.dims, y.dtype);
}

void buildMap(StepBuilder& builder) {
  MapFunction function = findFunction(builder);
  builder.require(function.row != nullptr, "there is no '", builder.params().word("algorithm"), "' of ",
                  nameOf(builder.source(0).dtype), ".");
  builder.require(builder.sources() == function.operands, "expected ", function.operands,
                  " sources but received ", builder.sources(), ".");
  checkTypes(builder);
  checkShapes(builder);
  Layout to = destinationLayout(builder);
  std::vector<Operand> operands;
  std::vector<Layout> layouts;
  for (size_t i = 0; i < builder.sources(); ++i) {
    const Value& x = builder.source(i);
    Layout current = builder.layout(i);
    Layout wanted = x.dims == builder.destination().dims ? to.withType(x.dtype)
                    : current.isPlain()                  ? current
                                                         : Layout::rowMajor(x.dims, x.dtype);
    operands.push_back(builder.read(i, wanted));
    layouts.push_back(wanted);
  }
  operands.push_back(builder.write(to));
  BroadcastLoop loop(layouts, to);
  double alpha = builder.params().number("alpha", 0);
  double beta = builder.params().number("beta", 0);
  RowFunction row = function.row;
  builder.call("map", operands, [loop, row, alpha, beta](void* const* pointers, RunContext&) {
    loop.run(pointers, row, alpha, beta);
  });
}

}  // namespace

void addMap(Registry& registry) {
  Kernel kernel;
  kernel.name = "map";
  kernel.keepsLayout = true;
  kernel.build = buildMap;
  registry.add(kernel);
}

}  // namespace calibr8
