#include "plan/params.h"

#include "error.h"

namespace calibr8 {

const Param& Params::at(const std::string& key) const {
  auto found = values_.find(key);
  if (found == values_.end()) failPlan(owner_, ": parameter '", key, "' is missing.");
  return found->second;
}

int64_t Params::integer(const std::string& key) const {
  auto* value = std::get_if<int64_t>(&at(key));
  if (!value) failPlan(owner_, ": expected an integer for parameter '", key, "'.");
  return *value;
}

int64_t Params::integer(const std::string& key, int64_t fallback) const {
  return has(key) ? integer(key) : fallback;
}

double Params::number(const std::string& key) const {
  const Param& param = at(key);
  if (auto* value = std::get_if<double>(&param)) return *value;
  if (auto* value = std::get_if<int64_t>(&param)) return static_cast<double>(*value);
  failPlan(owner_, ": expected a number for parameter '", key, "'.");
}

double Params::number(const std::string& key, double fallback) const {
  return has(key) ? number(key) : fallback;
}

const std::string& Params::word(const std::string& key) const {
  auto* value = std::get_if<std::string>(&at(key));
  if (!value) failPlan(owner_, ": expected a string for parameter '", key, "'.");
  return *value;
}

Dims Params::integers(const std::string& key, size_t count, int64_t least, int64_t greatest) const {
  auto* value = std::get_if<std::vector<int64_t>>(&at(key));
  if (!value) failPlan(owner_, ": expected integers for parameter '", key, "'.");
  if (value->size() != count) {
    failPlan(owner_, ": expected ", count, " integers for parameter '", key, "' but received ", value->size(),
             ".");
  }
  for (int64_t element : *value) {
    if (element < least || element > greatest) {
      failPlan(owner_, ": expected ", least, " to ", greatest, " in parameter '", key, "' but received ",
               element, ".");
    }
  }
  return *value;
}

std::vector<float> Params::floats(const std::string& key, size_t count) const {
  auto* value = std::get_if<std::vector<float>>(&at(key));
  if (!value || value->size() != count)
    failPlan(owner_, ": expected ", count, " floats for parameter '", key, "'.");
  return *value;
}

}  // namespace calibr8
