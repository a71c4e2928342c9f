#ifndef CALIBR8_ERROR_H_
#define CALIBR8_ERROR_H_

#include <sstream>
#include <stdexcept>
#include <string>

namespace calibr8 {

/** Why something failed; the names are those of lib/errors.ts. */
enum class Code { kInvalidPlan, kOnednn, kSessionClosed, kInvalidFeed, kInvalidArgument };

const char* codeName(Code code);

/** The one exception that crosses this addon's layers; session.cc turns it into a JS Error with a `code`. */
class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  Code code() const { return code_; }

 private:
  Code code_;
};

/** Concatenates anything that can be streamed. */
template <typename... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

template <typename... Parts>
[[noreturn]] void failPlan(const Parts&... parts) {
  throw Error(Code::kInvalidPlan, text(parts...));
}

}  // namespace calibr8

#endif  // CALIBR8_ERROR_H_
