#include "program/section.h"

#include <algorithm>

namespace calibr8 {
namespace {

/** What one thread does in a microsecond, about. */
constexpr double kMultiplyAdds = 200e3;
constexpr double kBytes = 20e3;
constexpr double kLeastMicroseconds = 100;

double microsecondsOf(const ProgramStep& step) {
  return std::max(step.work.multiplyAdds / kMultiplyAdds, static_cast<double>(step.bytesMoved) / kBytes);
}

bool isOurs(const ProgramStep& step) {
  return std::all_of(step.operations.begin(), step.operations.end(),
                     [](const Operation& operation) { return operation.arguments.empty(); });
}

}  // namespace

std::vector<Section> sectionsOf(const Program& program) {
  const std::vector<ProgramStep>& steps = program.steps;
  std::vector<Section> sections;
  for (size_t first = 0; first < steps.size();) {
    size_t last = first;
    double microseconds = 0;
    while (last < steps.size() && isOurs(steps[last])) microseconds += microsecondsOf(steps[last++]);
    bool together = last - first > 1 && microseconds >= kLeastMicroseconds;
    if (last == first) ++last;
    sections.push_back({first, last, together});
    first = last;
  }
  return sections;
}

}  // namespace calibr8
