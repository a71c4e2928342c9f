#ifndef CALIBR8_PROGRAM_SECTION_H_
#define CALIBR8_PROGRAM_SECTION_H_

#include <cstddef>
#include <vector>

#include "program/program.h"

namespace calibr8 {

/** Steps that run one after another, in a team that stays together for all of them, or each by itself. */
struct Section {
  size_t first, last;
  bool together;
};

/**
 * A program's steps in sections. Teams stay together over functions of ours, as oneDNN starts its own, and
 * where there is enough to do: to wake a thread for less costs more than it saves.
 */
std::vector<Section> sectionsOf(const Program& program);

}  // namespace calibr8

#endif  // CALIBR8_PROGRAM_SECTION_H_
