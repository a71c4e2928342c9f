#ifndef CALIBR8_KERNELS_POST_OPS_H_
#define CALIBR8_KERNELS_POST_OPS_H_

#include <vector>

#include "program/step_builder.h"

namespace calibr8 {

/** A step's post-ops, decoded: on real values, with the sources that they read. */
struct PostOps {
  std::vector<onednn::PostOp> list;
  /** For each: the index of its source among the step's sources, or -1. */
  std::vector<int> sources;
  /** The position of the (only) sum, or -1. */
  int sum = -1;

  bool hasSum() const { return sum >= 0; }
  int residual() const { return sources[sum]; }
};

/** Reads an eltwise algorithm with alpha and beta. */
onednn::Eltwise readEltwise(const StepView& step, const Params& params);
onednn::BinaryFunction readBinary(const StepView& step, const Params& params);

/** Decodes and checks the step's post-ops against its destination. */
PostOps readPostOps(const StepView& step);

/** Applies them one by one, in place, to a float32 operand with the destination's dimensions. */
void applyPostOps(StepBuilder& builder, const PostOps& postOps, const Operand& target);

/** Adds one eltwise, in place or not. */
void addEltwiseCall(StepBuilder& builder, const onednn::Eltwise& eltwise, const Operand& from,
                    const Operand& to);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_POST_OPS_H_
