#include "info.h"

#include <omp.h>
#include <sched.h>

#include <fstream>
#include <thread>

namespace calibr8 {
namespace {

std::string readBrand() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind("model name", 0) != 0) continue;
    size_t begin = line.find_first_not_of(" \t", line.find(':') + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "unknown";
}

}  // namespace

int availableProcessors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  // More processors than the fixed set holds.
  return static_cast<int>(std::thread::hardware_concurrency());
}

HostInfo hostInfo() { return {readBrand(), availableProcessors(), omp_get_max_threads()}; }

}  // namespace calibr8
