#pragma once
/// What the machine is called, beside times that were taken on it.

#include <algorithm>
#include <fstream>
#include <string>

namespace secgan {

/// "AMD EPYC 7B13"
inline std::string processor_name() {
  std::string line;
  for (std::ifstream info("/proc/cpuinfo"); std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(std::min(line.find(':') + 2, line.size()));
  }
  return "processor unknown";
}

}  // namespace secgan
