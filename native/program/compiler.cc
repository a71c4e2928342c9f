#include "program/compiler.h"

#include <algorithm>
#include <cstring>

#include "program/convert.h"
#include "program/intake.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

Compiler::Compiler(Plan plan, std::vector<ConstantView> constants, ConstantStore& store,
                   const onednn::Device& device, const std::atomic<bool>& stop)
    : program_(std::make_shared<Program>()),
      plan_(program_->plan),
      constants_(std::move(constants)),
      fingerprints_(constants_.size()),
      store_(store),
      device_(device),
      stop_(stop),
      registry_(makeRegistry()) {
  program_->plan = std::move(plan);
}

std::shared_ptr<const Program> Compiler::compile() {
  findLifetimes();
  program_->steps.resize(plan_.steps.size());
  for (size_t i = 0; i < plan_.steps.size(); ++i) {
    if (stop_) throw Error(Code::kSessionClosed, "The session was closed during compile().");
    compileStep(i);
  }
  addOutputs();
  findIntakes(*program_);
  for (const ProgramStep& step : program_->steps) {
    program_->workspaceBytes = std::max(program_->workspaceBytes, step.workspaceBytes);
  }
  return program_;
}

void Compiler::findLifetimes() {
  std::vector<ValuePlace>& values = program_->values;
  values.resize(plan_.values.size());
  readers_.resize(plan_.values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    values[i].root = static_cast<int32_t>(i);
    if (plan_.values[i].kind != Kind::kTemporary) {
      values[i].layout = Layout::rowMajor(plan_.values[i].dims, plan_.values[i].dtype);
    }
  }
  for (size_t s = 0; s < plan_.steps.size(); ++s) {
    int32_t index = static_cast<int32_t>(s);
    for (int32_t value : plan_.steps[s].destinations) values[value].birth = values[value].death = index;
    for (int32_t value : plan_.steps[s].sources) {
      if (value < 0) continue;
      values[value].death = index;
      if (readers_[value].empty() || readers_[value].back() != index) readers_[value].push_back(index);
    }
  }
  for (int32_t value : plan_.outputs) {
    outputs_.insert(value);
    values[value].death = static_cast<int32_t>(plan_.steps.size());
  }
}

void Compiler::checkShape(const Step& step, const Kernel& kernel) const {
  if (step.sources.size() < kernel.leastSources) {
    failPlan(step.label(), ": expected at least ", kernel.leastSources, " sources but received ",
             step.sources.size());
  }
  if (step.destinations.size() != kernel.destinations) {
    failPlan(step.label(), ": expected ", kernel.destinations, " destinations but received ",
             step.destinations.size());
  }
  if (!kernel.postOps && !step.postOps.empty()) failPlan(step.label(), ": this kernel takes no post-ops.");
  for (size_t i = 0; i < step.sources.size(); ++i) {
    int32_t source = step.sources[i];
    if (source < 0) {
      if (i < kernel.leastSources) failPlan(step.label(), ": source ", i, " must not be absent.");
      continue;
    }
    bool empty = plan_.values[source].elements == 0;
    bool work = kernel.destinations == 0 || plan_.values[step.destinations[0]].elements > 0;
    if (empty && work && !kernel.emptySources) {
      failPlan(step.label(), ": source '", plan_.values[source].name,
               "' is empty but the destination is not.");
    }
  }
}

void Compiler::compileStep(size_t index) {
  const Step& step = plan_.steps[index];
  ProgramStep& out = program_->steps[index];
  out.name = step.name;
  out.kernel = step.kernel;
  for (int32_t source : step.sources) {
    if (source >= 0)
      out.dataTypes += (out.dataTypes.empty() ? "" : ",") + std::string(nameOf(plan_.values[source].dtype));
  }
  for (int32_t value : step.destinations)
    out.dataTypes += std::string("->") + nameOf(plan_.values[value].dtype);

  const Kernel& kernel = registry_.get(step);
  checkShape(step, kernel);
  StepBuilder builder(*this, plan_, step, device_, out);
  bool nothingToDo = kernel.destinations > 0 && plan_.values[step.destinations[0]].elements == 0;
  if (nothingToDo) {
    const Value& value = plan_.values[step.destinations[0]];
    builder.write(Layout::rowMajor(value.dims, value.dtype));
  } else {
    try {
      kernel.build(builder);
    } catch (const Error& error) {
      if (error.code() != Code::kOnednn) throw;
      throw Error(Code::kOnednn, step.label() + ": " + error.what());
    }
  }
  builder.finish();
}

Operand Compiler::operandOf(int32_t value) {
  const ValuePlace& place = program_->values[value];
  const Value& root = plan_.values[place.root];
  if (root.kind == Kind::kConstant) {
    Operand operand = addConstant(root, Layout::rowMajor(root.dims, root.dtype), "copy", nullptr);
    operand.layout = place.layout;
    return operand;
  }
  return {Operand::Place::kValue, value, 0, place.layout};
}

void Compiler::setLayout(int32_t value, const Layout& layout) {
  ValuePlace& place = program_->values[value];
  place.layout = layout;
  place.bytes = plan_.values[value].elements == 0 ? 0 : layout.bytes();
}

void Compiler::setAlias(int32_t value, int32_t of, const Layout& layout) {
  ValuePlace& place = program_->values[value];
  place.layout = layout;
  place.bytes = 0;
  place.alias = of;
  place.root = program_->values[of].root;
}

bool Compiler::reusable(const Step& step, size_t source) const {
  int32_t value = step.sources[source];
  int32_t root = program_->values[value].root;
  if (plan_.values[root].kind != Kind::kTemporary) return false;
  int32_t now = program_->values[step.destinations[0]].birth;
  for (size_t i = 0; i < plan_.values.size(); ++i) {
    const ValuePlace& place = program_->values[i];
    if (place.root == root && place.birth < now && place.death > now) return false;
  }
  for (size_t i = 0; i < step.sources.size(); ++i) {
    if (i != source && step.sources[i] >= 0 && program_->values[step.sources[i]].root == root) return false;
  }
  return true;
}

Layout Compiler::preferred(int32_t value) { return preferred(value, 0); }

Layout Compiler::preferred(int32_t value, int depth) {
  // Networks are deep chains: a look this far ahead is enough, and the cost stays bounded.
  if (depth > 8) return {};
  auto [known, isUnknown] = preferred_.try_emplace(value);
  if (!isUnknown) return known->second;
  for (int32_t reader : readers_[value]) {
    const Step& step = plan_.steps[reader];
    const Kernel& kernel = registry_.get(step);
    checkShape(step, kernel);
    if (step.destinations.empty() || plan_.values[step.destinations[0]].elements == 0) continue;
    size_t source = std::find(step.sources.begin(), step.sources.end(), value) - step.sources.begin();
    Layout wish;
    if (kernel.wish) {
      auto [entry, isNew] = wishes_.try_emplace({reader, source});
      if (isNew) {
        try {
          entry->second = kernel.wish(StepView(plan_, step, device_), source);
        } catch (const Error& error) {
          if (error.code() != Code::kOnednn) throw;
          throw Error(Code::kOnednn, step.label() + ": " + error.what());
        }
      }
      wish = entry->second;
    } else if (kernel.keepsLayout) {
      wish = preferred(step.destinations[0], depth + 1);
      const Value& own = plan_.values[value];
      if (wish.defined() && wish.rank() != static_cast<int>(own.dims.size())) wish = {};
      if (wish.defined()) wish = wish.withDims(own.dims).withType(own.dtype);
    }
    if (wish.defined()) return preferred_[value] = wish;
  }
  return {};
}

Operand Compiler::addConstant(const Value& value, const Layout& wanted, const std::string& what,
                              const std::function<void(const uint8_t*, uint8_t*)>& make) {
  const ConstantView& view = constants_[value.constant];
  std::string& print = fingerprints_[value.constant];
  if (print.empty()) print = fingerprint(view);
  std::string key = print + nameOf(value.dtype) + describe(value.dims) + what + wanted.key();
  auto buffer = store_.get(key, wanted.bytes(), [&](uint8_t* destination) {
    const uint8_t* data = view.data;
    if (view.factors) {
      // Room that is used again costs no new pages.
      if (multiplied_.size() < view.bytes) multiplied_ = Buffer(view.bytes);
      multiply(view, reinterpret_cast<float*>(multiplied_.data()));
      data = multiplied_.data();
    }
    if (make) {
      make(data, destination);
    } else if (view.bytes > 0) {
      std::memcpy(destination, data, view.bytes);
    }
  });
  if (counted_.insert(buffer.get()).second) program_->constantBytes += buffer->size();
  program_->constants.push_back(std::move(buffer));
  return {Operand::Place::kConstant, static_cast<int32_t>(program_->constants.size() - 1), 0, wanted};
}

void Compiler::addOutputs() {
  for (size_t i = 0; i < plan_.outputs.size(); ++i) {
    const Value& value = plan_.values[plan_.outputs[i]];
    Operand to{Operand::Place::kOutput, static_cast<int32_t>(i), 0,
               Layout::rowMajor(value.dims, value.dtype)};
    if (value.elements == 0) {
      program_->outputs.emplace_back();
      continue;
    }
    program_->outputs.push_back(copyOut(device_, operandOf(plan_.outputs[i]), to));
  }
}

}  // namespace calibr8
