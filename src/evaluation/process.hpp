#pragma once
/// What the operating system says of this process.

#include <sys/resource.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace secgan {

/// Most memory that the process held so far.
inline int64_t peak_memory_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "VmHWM:") continue;
    int64_t kibibytes = 0;
    status >> kibibytes;
    return kibibytes << 10;
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) << 10;  // NOLINT(cppcoreguidelines-pro-type-union-access): so glibc keeps its padding
}

}  // namespace secgan
