#ifndef CALIBR8_PLAN_PARAMS_H_
#define CALIBR8_PLAN_PARAMS_H_

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "plan/data_type.h"

namespace calibr8 {

using Param = std::variant<int64_t, double, std::vector<int64_t>, std::vector<float>, std::string>;

/** The parameters of a step or a post-op. The typed getters fail with INVALID_PLAN and the owner's name. */
class Params {
 public:
  void setOwner(std::string owner) { owner_ = std::move(owner); }
  const std::string& owner() const { return owner_; }
  /** False when the key is there already. */
  bool insert(std::string key, Param value) {
    return values_.emplace(std::move(key), std::move(value)).second;
  }
  bool has(const std::string& key) const { return values_.count(key) != 0; }

  int64_t integer(const std::string& key) const;
  int64_t integer(const std::string& key, int64_t fallback) const;
  /** An integer parameter serves as well. */
  double number(const std::string& key) const;
  double number(const std::string& key, double fallback) const;
  const std::string& word(const std::string& key) const;
  /** Exactly `count` integers, each in [least, greatest]. */
  Dims integers(const std::string& key, size_t count, int64_t least, int64_t greatest) const;
  std::vector<float> floats(const std::string& key, size_t count) const;

 private:
  const Param& at(const std::string& key) const;

  std::string owner_;
  std::map<std::string, Param> values_;
};

}  // namespace calibr8

#endif  // CALIBR8_PLAN_PARAMS_H_
