#ifndef CALIBR8_ROOFLINE_PEAK_H_
#define CALIBR8_ROOFLINE_PEAK_H_

#include <string>

namespace calibr8 {

/** The most arithmetic that a processor can do with one kind of instruction, operands in registers. */
struct Peak {
  /** The instruction; empty where this processor has none that is known here. */
  std::string instruction;
  /** Multiplications and additions, each counted as one. */
  double operationsPerSecond = 0;
  /** Of all the time, with what interrupts the threads in it: the system, a hypervisor, other work. */
  double sustained = 0;
};

struct Peaks {
  Peak int8;
  Peak float32;
};

/**
 * Measures on `threads` threads at once and adds them up: the median of many short bursts, which is what the
 * clock of this moment allows, and all of them together. Takes some 10 milliseconds.
 */
Peaks measurePeaks(int threads);

}  // namespace calibr8

#endif  // CALIBR8_ROOFLINE_PEAK_H_
