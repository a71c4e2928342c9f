#ifndef CALIBR8_PROGRAM_COMPILER_H_
#define CALIBR8_PROGRAM_COMPILER_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "kernels/registry.h"
#include "program/constants.h"
#include "program/program.h"

namespace calibr8 {

/**
 * Turns a plan into a Program: one pass over the steps in order, with looks ahead where a layout is free.
 * Gives up with SESSION_CLOSED once `stop` is set.
 */
class Compiler {
 public:
  Compiler(Plan plan, std::vector<ConstantView> constants, ConstantStore& store, const onednn::Device& device,
           const std::atomic<bool>& stop);

  std::shared_ptr<const Program> compile();

  // For StepBuilder.
  onednn::Layout layoutOf(int32_t value) const { return program_->values[value].layout; }
  Operand operandOf(int32_t value);
  void setLayout(int32_t value, const onednn::Layout& layout);
  void setAlias(int32_t value, int32_t of, const onednn::Layout& layout);
  bool reusable(const Step& step, size_t source) const;
  onednn::Layout preferred(int32_t value);
  /** Without `make` the constant's bytes are copied. */
  Operand addConstant(const Value& value, const onednn::Layout& wanted, const std::string& what,
                      const std::function<void(const uint8_t*, uint8_t*)>& make);

 private:
  void findLifetimes();
  void compileStep(size_t index);
  void checkShape(const Step& step, const Kernel& kernel) const;
  void addOutputs();
  onednn::Layout preferred(int32_t value, int depth);

  std::shared_ptr<Program> program_;
  const Plan& plan_;
  std::vector<ConstantView> constants_;
  /** A constant with its factors applied. */
  Buffer multiplied_;
  std::vector<std::string> fingerprints_;
  ConstantStore& store_;
  const onednn::Device& device_;
  const std::atomic<bool>& stop_;
  Registry registry_;
  /** Steps that read a value, in order. */
  std::vector<std::vector<int32_t>> readers_;
  std::set<int32_t> outputs_;
  std::map<std::pair<int32_t, size_t>, onednn::Layout> wishes_;
  std::map<int32_t, onednn::Layout> preferred_;
  std::set<const Buffer*> counted_;
};

}  // namespace calibr8

#endif  // CALIBR8_PROGRAM_COMPILER_H_
