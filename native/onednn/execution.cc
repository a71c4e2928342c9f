#include "onednn/execution.h"

#include "error.h"

namespace calibr8::onednn {

Execution::Execution(dnnl::primitive primitive, const Device& device, const std::vector<Bound>& bounds)
    : primitive_(std::move(primitive)) {
  memories_.reserve(bounds.size());
  arguments_.reserve(bounds.size());
  for (const Bound& bound : bounds) {
    memories_.emplace_back(bound.layout.desc(), device.engine, bound.data);
    arguments_.push_back({bound.argument, memories_.back().get()});
  }
}

void Execution::rebind(size_t i, void* data) { memories_[i].set_data_handle(data); }

// The C function: the C++ wrapper would build a map and an array on every call.
void Execution::run(Lane& lane) const {
  dnnl_status_t status = dnnl_primitive_execute(primitive_.get(), lane.stream.get(),
                                                static_cast<int>(arguments_.size()), arguments_.data());
  if (status != dnnl_success) {
    throw Error(Code::kOnednn,
                text("oneDNN failed to execute a primitive (status ", static_cast<int>(status), ")."));
  }
}

void runOnce(const Description& description, const Device& device, const std::vector<Bound>& bounds) {
  Lane lane(device);
  std::vector<uint8_t> scratchpad(description.scratchpadBytes() + 64);
  std::vector<Bound> all = bounds;
  if (description.scratchpadBytes() > 0) {
    auto address = (reinterpret_cast<uintptr_t>(scratchpad.data()) + 63) & ~uintptr_t{63};
    all.push_back({kScratchpad, description.scratchpad(), reinterpret_cast<void*>(address)});
  }
  Execution(description.create(), device, all).run(lane);
  lane.stream.wait();
}

}  // namespace calibr8::onednn
