#ifndef CALIBR8_PROGRAM_INTAKE_H_
#define CALIBR8_PROGRAM_INTAKE_H_

#include <cstddef>
#include <cstdint>

#include "program/program.h"

namespace calibr8 {

/**
 * Finds the inputs that a single conversion reads, an image's quantization as a rule: it may run while the
 * input is taken over from the host, in place of a copy.
 */
void findIntakes(Program& program);

/** Bytes that taking in the plan's input `index` writes. */
size_t intakeBytes(const Program& program, size_t index);

/** Takes an input over from the host's memory, converted where it has an intake and else as it is. On the
 * calling thread alone. */
void takeIn(const Program& program, size_t index, const uint8_t* host, uint8_t* to);

}  // namespace calibr8

#endif  // CALIBR8_PROGRAM_INTAKE_H_
