#include "secgan/core/memory.hpp"

#include <algorithm>
#include <fstream>
#include <string>

namespace secgan {
namespace {

/// The number at the beginning of a file; nullopt for none, as in "max".
std::optional<uint64_t> number_in(const std::filesystem::path& file) {
  uint64_t value = 0;
  return std::ifstream(file) >> value ? std::optional(value) : std::nullopt;
}

/// Of a control group: what the system would give back of it, as it only caches files.
uint64_t cached_bytes(const std::filesystem::path& group, const std::string& prefix) {
  uint64_t bytes = 0, value = 0;
  std::ifstream stat(group / "memory.stat");
  for (std::string key; stat >> key >> value;) {
    if (key == prefix + "inactive_file" || key == prefix + "active_file") bytes += value;
  }
  return bytes;
}

void lower(std::optional<uint64_t>& least, uint64_t other) { least = std::min(least.value_or(other), other); }

}  // namespace

std::optional<uint64_t> available_memory(const std::filesystem::path& root) {
  std::optional<uint64_t> least;
  std::ifstream meminfo(root / "proc/meminfo");
  for (std::string key; meminfo >> key;) {
    uint64_t kilobytes = 0;
    if (key == "MemAvailable:" && meminfo >> kilobytes) lower(least, kilobytes * 1024);
  }
  // A process in a group is limited by every group above it. Lines are "0::/path" (version 2) and "4:memory:/path" (version 1).
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const bool unified = line.starts_with("0::");
    if (!unified && line.find(":memory:") == std::string::npos) continue;
    const auto mount = root / (unified ? "sys/fs/cgroup" : "sys/fs/cgroup/memory");
    // Within a container its own group is mounted as the root, whatever the path says.
    for (auto path = std::filesystem::path(line.substr(line.rfind(':') + 1)).relative_path();; path = path.parent_path()) {
      const std::filesystem::path group = mount / path;
      const auto limit = number_in(group / (unified ? "memory.max" : "memory.limit_in_bytes"));
      const auto used = number_in(group / (unified ? "memory.current" : "memory.usage_in_bytes"));
      if (limit && used) {
        const uint64_t taken = *used - std::min(*used, cached_bytes(group, unified ? "" : "total_"));
        lower(least, *limit - std::min(*limit, taken));
      }
      if (path.empty()) break;
    }
  }
  return least;
}

}  // namespace secgan
