#ifndef CALIBR8_ONEDNN_PRIMITIVE_H_
#define CALIBR8_ONEDNN_PRIMITIVE_H_

#include <optional>
#include <string>
#include <vector>

#include "onednn/layout.h"
#include "onednn/post_ops.h"

namespace calibr8::onednn {

constexpr int kSource = DNNL_ARG_SRC;
constexpr int kSource1 = DNNL_ARG_SRC_1;
constexpr int kWeights = DNNL_ARG_WEIGHTS;
constexpr int kBias = DNNL_ARG_BIAS;
constexpr int kDestination = DNNL_ARG_DST;
constexpr int kScratchpad = DNNL_ARG_SCRATCHPAD;
constexpr int kMultipleSource = DNNL_ARG_MULTIPLE_SRC;

/** How good an implementation is by its name; lower is better. */
enum class Quality { kOptimized = 0, kGemm = 1, kReference = 2 };

/** What oneDNN would do for a spec; cheap next to create(), which generates code. */
class Description {
 public:
  Description(dnnl::primitive_desc_base pd, std::vector<int> postOpArguments = {});

  const std::string& implementation() const { return implementation_; }
  Quality quality() const;
  Layout source(int index = 0) const;
  Layout weights() const;
  Layout destination() const;
  size_t scratchpadBytes() const { return scratchpad_.get_size(); }
  Layout scratchpad() const { return Layout(scratchpad_, DataType::kUint8); }
  /** The argument of the i-th post-op's second operand. */
  int postOpArgument(size_t i) const { return postOpArguments_[i]; }
  dnnl::primitive create() const;

 private:
  Layout query(dnnl::query what, int index) const;

  dnnl::primitive_desc_base pd_;
  std::vector<int> postOpArguments_;
  std::string implementation_;
  dnnl::memory::desc scratchpad_;
};

/** One engine a session. */
struct Device {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
};

struct ConvolutionSpec {
  Layout source, weights, destination;
  bool bias = false;
  bool transposed = false;
  Dims strides, dilations, padsBegin, padsEnd;
  Scaling scaling;
  std::vector<PostOp> postOps;
};

/** [N, K] x [O, K] -> [N, O]. */
struct InnerProductSpec {
  Layout source, weights, destination;
  bool bias = false;
  Scaling scaling;
  std::vector<PostOp> postOps;
};

struct MatmulSpec {
  Layout source, weights, destination;
  /** Undefined, or [1, ..., 1, N]. */
  Layout bias;
  Scaling scaling;
  std::vector<PostOp> postOps;
};

struct PoolingSpec {
  enum class Algorithm { kMax, kAverageIncludePadding, kAverageExcludePadding };
  Algorithm algorithm = Algorithm::kMax;
  Layout source, destination;
  Dims kernel, strides, dilations, padsBegin, padsEnd;
};

/** stored' = round((stored - sourceZeroPoint) x scale) + destinationZeroPoint. */
struct ReorderSpec {
  Layout source, destination;
  std::vector<float> scales = {1};
  /** The axis of several scales. */
  int axis = 0;
  int32_t sourceZeroPoint = 0;
  int32_t destinationZeroPoint = 0;
};

struct BinarySpec {
  BinaryFunction function = BinaryFunction::kAdd;
  Layout a, b, destination;
  float scaleA = 1;
  float scaleB = 1;
};

struct ResamplingSpec {
  bool linear = false;
  Layout source, destination;
  std::vector<float> factors;
};

struct LrnSpec {
  Layout source;
  int64_t size = 1;
  float alpha = 0, beta = 0, k = 1;
};

// All return nothing when oneDNN has no implementation and throw ONEDNN when it refuses the spec.
std::optional<Description> makeConvolution(const Device& device, const ConvolutionSpec& spec);
std::optional<Description> makeInnerProduct(const Device& device, const InnerProductSpec& spec);
std::optional<Description> makeMatmul(const Device& device, const MatmulSpec& spec);
std::optional<Description> makePooling(const Device& device, const PoolingSpec& spec);
std::optional<Description> makeReorder(const Device& device, const ReorderSpec& spec);
std::optional<Description> makeEltwise(const Device& device, const Layout& layout, const Native& function);
std::optional<Description> makeBinary(const Device& device, const BinarySpec& spec);
std::optional<Description> makeSoftmax(const Device& device, const Layout& layout, int axis, bool log);
/** An undefined destination lets oneDNN choose. */
std::optional<Description> makeConcat(const Device& device, int axis, const std::vector<Layout>& sources,
                                      const Layout& destination);
std::optional<Description> makeResampling(const Device& device, const ResamplingSpec& spec);
std::optional<Description> makeLrn(const Device& device, const LrnSpec& spec);

/** The version of the library that is loaded, not of its headers. */
struct LibraryInfo {
  std::string version;
  std::string runtime;
  std::string isa;
  bool vnni;
};
LibraryInfo libraryInfo();

}  // namespace calibr8::onednn

#endif  // CALIBR8_ONEDNN_PRIMITIVE_H_
