#ifndef CALIBR8_ONEDNN_EXECUTION_H_
#define CALIBR8_ONEDNN_EXECUTION_H_

#include <vector>

#include "onednn/primitive.h"

namespace calibr8::onednn {

/** Where a stream's primitives are submitted; on a CPU each completes before submit returns. */
struct Lane {
  explicit Lane(const Device& device) : stream(device.engine) {}
  dnnl::stream stream;
};

struct Bound {
  int argument;
  Layout layout;
  void* data;
};

/** A primitive with its memory objects, ready to run again and again without allocations of ours. */
class Execution {
 public:
  Execution(dnnl::primitive primitive, const Device& device, const std::vector<Bound>& bounds);

  /** Another address for the i-th bound. */
  void rebind(size_t i, void* data);
  void run(Lane& lane) const;

 private:
  dnnl::primitive primitive_;
  std::vector<dnnl::memory> memories_;
  std::vector<dnnl_exec_arg_t> arguments_;
};

/** Runs once, for constants at compile time. */
void runOnce(const Description& description, const Device& device, const std::vector<Bound>& bounds);

}  // namespace calibr8::onednn

#endif  // CALIBR8_ONEDNN_EXECUTION_H_
