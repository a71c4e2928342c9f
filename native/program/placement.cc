#include <algorithm>
#include <map>

#include "error.h"
#include "program/program.h"

namespace calibr8 {
namespace {

/** Values that share one storage, from the first producer to the last reader. */
struct Group {
  int32_t root;
  size_t offset;
  size_t end;
  int32_t birth;
  int32_t death;
};

void checkRegion(const std::string& what, size_t offset, size_t bytes, size_t arenaBytes) {
  if (offset % kAlignment != 0) failPlan(what, ": offset ", offset, " is no multiple of ", kAlignment, ".");
  if (offset > arenaBytes || bytes > arenaBytes - offset) {
    failPlan(what, ": ", bytes, " bytes at offset ", offset, " leave the arena of ", arenaBytes, ".");
  }
}

}  // namespace

void verifyPlacement(const Program& program, const Placement& placement) {
  if (placement.offsets.size() != program.values.size()) {
    failPlan("Expected ", program.values.size(), " offsets but received ", placement.offsets.size(), ".");
  }
  std::map<int32_t, Group> byRoot;
  for (size_t i = 0; i < program.values.size(); ++i) {
    const ValuePlace& place = program.values[i];
    if (place.bytes > 0) {
      checkRegion("Value '" + program.plan.values[i].name + "'", placement.offsets[i], place.bytes,
                  placement.arenaBytes);
    }
    const ValuePlace& root = program.values[place.root];
    if (root.bytes == 0 || place.birth < 0) continue;
    size_t offset = placement.offsets[place.root];
    auto [entry, isNew] = byRoot.try_emplace(
        place.root, Group{place.root, offset, offset + root.bytes, place.birth, place.death});
    if (!isNew) {
      entry->second.birth = std::min(entry->second.birth, place.birth);
      entry->second.death = std::max(entry->second.death, place.death);
    }
  }
  std::vector<Group> groups;
  for (const auto& [root, group] : byRoot) groups.push_back(group);
  // By offset: only neighbors in memory need comparing.
  std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return a.offset < b.offset; });
  for (size_t i = 0; i < groups.size(); ++i) {
    for (size_t j = i + 1; j < groups.size() && groups[j].offset < groups[i].end; ++j) {
      if (groups[i].birth <= groups[j].death && groups[j].birth <= groups[i].death) {
        failPlan("Values '", program.plan.values[groups[i].root].name, "' and '",
                 program.plan.values[groups[j].root].name,
                 "' live at the same time and overlap in the arena.");
      }
    }
  }
  if (program.workspaceBytes == 0) return;
  checkRegion("The workspace", placement.workspaceOffset, program.workspaceBytes, placement.arenaBytes);
  size_t end = placement.workspaceOffset + program.workspaceBytes;
  for (const Group& group : groups) {
    if (group.offset < end && placement.workspaceOffset < group.end) {
      failPlan("Value '", program.plan.values[group.root].name, "' overlaps the workspace in the arena.");
    }
  }
}

}  // namespace calibr8
