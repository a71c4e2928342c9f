#include "kernels/post_ops.h"

#include "kernels/binary_loop.h"

namespace calibr8 {

using onednn::Layout;

onednn::Eltwise readEltwise(const StepView& step, const Params& params) {
  const std::string& name = params.word("algorithm");
  auto function = onednn::functionOf(name);
  step.require(function.has_value(), "there is no eltwise algorithm '", name, "'.");
  // relu's slope below 0 is 0 unless given; a swish without alpha is x times logistic(x).
  double alpha = *function == onednn::Function::kRelu ? 0 : 1;
  return {*function, params.number("alpha", alpha), static_cast<float>(params.number("beta", 0))};
}

onednn::BinaryFunction readBinary(const StepView& step, const Params& params) {
  const std::string& name = params.word("algorithm");
  auto function = onednn::binaryFunctionOf(name);
  step.require(function.has_value(), "there is no binary algorithm '", name, "'.");
  return *function;
}

namespace {

int readSource(const StepView& step, const Params& params) {
  int64_t source = params.integer("source");
  step.require(source >= 0 && step.hasSource(static_cast<size_t>(source)), "post-op source ", source,
               " does not exist.");
  return static_cast<int>(source);
}

void checkBroadcast(const StepView& step, const Value& value) {
  const Dims& to = step.destination().dims;
  bool fits = value.dims.size() == to.size();
  for (size_t i = 0; fits && i < to.size(); ++i) fits = value.dims[i] == to[i] || value.dims[i] == 1;
  step.require(fits, "post-op source '", value.name, "' ", describe(value.dims), " does not fit ",
               describe(to), ".");
}

onednn::PostOp sumOf(const Value& residual) {
  onednn::PostOp postOp;
  postOp.kind = onednn::PostOp::Kind::kSum;
  postOp.scale = residual.scale();
  postOp.zeroPoint = residual.zeroPoint();
  postOp.type = residual.dtype;
  return postOp;
}

/** A whole tensor is read beside the destination, whose layout is channels-last where it is int8. */
Layout layoutOfOperand(const Value& value, bool whole, DataType type) {
  return whole && value.dims.size() > 2 ? Layout::channelsLast(value.dims, type)
                                        : Layout::rowMajor(value.dims, type);
}

onednn::PostOp accumulation(const StepView& step, const Value& value, const PostOp& given) {
  step.require(readBinary(step, given.params) == onednn::BinaryFunction::kAdd && isInt8(step.source(0).dtype),
               "int32 '", value.name, "' can only be added to an accumulator of integers.");
  onednn::PostOp postOp;
  postOp.kind = onednn::PostOp::Kind::kBinary;
  postOp.source = layoutOfOperand(value, value.dims == step.destination().dims, DataType::kInt32);
  postOp.accumulates = true;
  return postOp;
}

}  // namespace

PostOps readPostOps(const StepView& step) {
  PostOps result;
  for (const PostOp& given : step.step().postOps) {
    onednn::PostOp postOp;
    int source = -1;
    if (given.kind == "eltwise") {
      postOp.kind = onednn::PostOp::Kind::kEltwise;
      postOp.eltwise = readEltwise(step, given.params);
    } else if (given.kind == "sum" || given.kind == "binary") {
      source = readSource(step, given.params);
      const Value& value = step.source(static_cast<size_t>(source));
      if (value.dtype == DataType::kInt32) {
        step.require(given.kind == "binary" && result.list.empty(), "int32 '", value.name,
                     "' can only be added to the accumulator, by the first post-op.");
        checkBroadcast(step, value);
        result.list.push_back(accumulation(step, value, given));
        result.sources.push_back(source);
        continue;
      }
      step.require(value.perTensor() && (value.dtype == DataType::kFloat32 || isInt8(value.dtype)),
                   "post-op source '", value.name, "' must be float32, or u8 or s8 with one scale.");
      bool add = given.kind == "sum" || readBinary(step, given.params) == onednn::BinaryFunction::kAdd;
      if (given.kind == "sum") step.requireSameDims(value, step.destination());
      checkBroadcast(step, value);
      bool whole = value.dims == step.destination().dims;
      bool sameSize = sizeOf(value.dtype) == sizeOf(step.destination().dtype);
      if (add && result.sum < 0 && whole && (sameSize || given.kind == "sum")) {
        // An addition of a whole tensor is a sum whatever the plan calls it: it needs no second operand.
        result.sum = static_cast<int>(result.list.size());
        postOp = sumOf(value);
      } else {
        postOp.kind = onednn::PostOp::Kind::kBinary;
        postOp.binary = add ? onednn::BinaryFunction::kAdd : readBinary(step, given.params);
        postOp.source = layoutOfOperand(value, whole, DataType::kFloat32);
      }
    } else {
      step.fail("there is no post-op '", given.kind, "'.");
    }
    result.list.push_back(postOp);
    result.sources.push_back(source);
  }
  return result;
}

void addEltwiseCall(StepBuilder& builder, const onednn::Eltwise& eltwise, const Operand& from,
                    const Operand& to) {
  Operand current = from;
  for (const onednn::Native& native : onednn::nativeFunctions(eltwise)) {
    auto description = onednn::makeEltwise(builder.device(), to.layout, native);
    builder.require(description.has_value(), "oneDNN has no implementation of this eltwise.");
    builder.call(*description, {{onednn::kSource, current}, {onednn::kDestination, to}});
    current = to;
  }
}

void applyPostOps(StepBuilder& builder, const PostOps& postOps, const Operand& target) {
  for (size_t i = 0; i < postOps.list.size(); ++i) {
    const onednn::PostOp& postOp = postOps.list[i];
    if (postOp.kind == onednn::PostOp::Kind::kEltwise) {
      addEltwiseCall(builder, postOp.eltwise, target, target);
      continue;
    }
    size_t source = static_cast<size_t>(postOps.sources[i]);
    bool whole = builder.source(source).dims == builder.destination().dims;
    Layout wanted = target.layout;
    if (!whole) wanted = Layout::rowMajor(builder.source(source).dims, DataType::kFloat32);
    Operand operand = builder.readReal(source, wanted);
    bool sum = postOp.kind == onednn::PostOp::Kind::kSum;
    addFloatBinary(builder, sum ? onednn::BinaryFunction::kAdd : postOp.binary, target, operand, target);
  }
}

}  // namespace calibr8
