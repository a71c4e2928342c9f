#ifndef CALIBR8_PROGRAM_OPERATION_H_
#define CALIBR8_PROGRAM_OPERATION_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "onednn/primitive.h"

namespace calibr8 {

class Observations;

/** A piece of memory that an operation uses; its address is known once a program is placed. */
struct Operand {
  enum class Place { kNone, kValue, kConstant, kWorkspace, kOutput };

  Place place = Place::kNone;
  /** Value, constant of the program, or output; unused for the workspace. */
  int32_t index = -1;
  size_t offset = 0;
  onednn::Layout layout;
};

/** Memory that will probably be read soon, its first bytes first; or nothing. */
struct Upcoming {
  const uint8_t* data = nullptr;
  size_t bytes = 0;
};

/** What a run offers to our own kernels. */
struct RunContext {
  Observations* observations = nullptr;
  /** The next large constant that a later operation reads, for kernels that fetch it while they compute. */
  Upcoming upcoming;
};

/** One of our kernels with its parameters bound; `pointers` are its operands' addresses in order. */
using Function = std::function<void(void* const* pointers, RunContext& context)>;

/** The smallest unit of execution: a primitive of oneDNN or a function of ours. */
struct Operation {
  std::string implementation;
  /** A reorder that was inserted because layouts disagree. */
  bool inserted = false;
  /** A function that converts its first operand, element by element, to its second, and needs nothing else.
   */
  bool conversion = false;
  dnnl::primitive primitive;
  /** The primitive's argument numbers, as many as operands; empty for a function of ours. */
  std::vector<int> arguments;
  Function function;
  std::vector<Operand> operands;
};

}  // namespace calibr8

#endif  // CALIBR8_PROGRAM_OPERATION_H_
