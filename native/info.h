#ifndef CALIBR8_INFO_H_
#define CALIBR8_INFO_H_

#include <string>

namespace calibr8 {

struct HostInfo {
  std::string brand;
  /** Processors in this process's affinity mask. */
  int available;
  int openmpThreads;
};

/** Processors in this process's affinity mask. */
int availableProcessors();

HostInfo hostInfo();

}  // namespace calibr8

#endif  // CALIBR8_INFO_H_
