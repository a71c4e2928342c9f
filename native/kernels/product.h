#ifndef CALIBR8_KERNELS_PRODUCT_H_
#define CALIBR8_KERNELS_PRODUCT_H_

#include <functional>
#include <optional>
#include <vector>

#include "kernels/post_ops.h"

namespace calibr8 {

/**
 * How a convolution or product is carried out. The first that oneDNN has an optimized implementation of is
 * taken; all but the first cost extra passes, and the step's implementation shows them.
 */
struct Variant {
  /** Computes on dequantized sources. */
  bool realSources = false;
  /** Writes float32 and converts afterwards. */
  bool realDestination = false;
  /** Post-ops are part of the primitive. */
  bool fused = true;
};

/** What convolutions, inner products and matrix products have in common: y = postOps(x w + bias), perhaps
 * quantized. */
struct Product {
  onednn::Scaling scaling;
  PostOps postOps;
  /** Index of the bias among the sources, or -1. */
  int bias = -1;
  double multiplyAdds = 0;
  /**
   * The first of each so many pixels of the source that the primitive reads, brought together before it;
   * empty: all. Spatial axes only.
   */
  Dims subsampling;
  /** Types of source, weights and destination follow the variant. */
  std::function<std::optional<onednn::Description>(const Variant& variant, const onednn::Scaling& scaling,
                                                   const std::vector<onednn::PostOp>& postOps,
                                                   const onednn::Layout& destination)>
      make;
  /** How the primitive sees the weights when they are dense row-major (groups, transposed); data type as the
   * value's. */
  onednn::Layout weights;
};

/** Index of the bias among the sources, or -1; checks its type and size. */
int readBiasIndex(const StepView& step, int64_t channels);

/** Scaling from the step's values; checks types and zero points. `channelAxis` is that of the weights'
 * scales. */
onednn::Scaling readScaling(const StepView& step, int64_t channels, int channelAxis);

/** The layout that a source should have: as the primitive reads source 0, and as it writes over a residual.
 */
onednn::Layout wishOfProduct(const StepView& step, const Product& product, size_t source);

void buildProduct(StepBuilder& builder, const Product& product);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_PRODUCT_H_
