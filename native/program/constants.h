#ifndef CALIBR8_PROGRAM_CONSTANTS_H_
#define CALIBR8_PROGRAM_CONSTANTS_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "buffer.h"

namespace calibr8 {

/**
 * A constant's bytes in the host's memory, valid while a plan is compiled. With factors they are float32
 * numbers to be multiplied, `inner` neighbors at a time by the factor of their channel.
 */
struct ConstantView {
  const uint8_t* data = nullptr;
  size_t bytes = 0;
  const double* factors = nullptr;
  size_t channels = 0;
  size_t inner = 0;
};

/** A constant with its factors applied, in doubles, rounded once; they need not be aligned. */
void multiply(const ConstantView& view, float* to);

/** 128 bits that tell contents apart; not meant against an adversary. */
std::string fingerprint(const ConstantView& view);

/**
 * A session's constants in the layouts that its programs want, each made once. Entries are found by content
 * rather than by address: the host may free a constant and put another one in its place. They live as long as
 * a program uses them.
 */
class ConstantStore {
 public:
  using Make = std::function<void(uint8_t* destination)>;

  /** `key` holds the content's fingerprint and what was made of it. Thread-safe. */
  std::shared_ptr<const Buffer> get(const std::string& key, size_t bytes, const Make& make);

 private:
  static constexpr size_t kLeastPruned = 1024;

  /** Forgets constants that no program uses any more, so that ever new shapes do not leave a key each. */
  void prune();

  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const Buffer>> entries_;
  /** How many entries are looked through for forgotten ones: twice those in use the last time. */
  size_t pruneAt_ = kLeastPruned;
};

}  // namespace calibr8

#endif  // CALIBR8_PROGRAM_CONSTANTS_H_
