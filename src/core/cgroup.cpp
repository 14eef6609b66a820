#include "core/cgroup.hpp"

#include <fstream>
#include <sstream>
#include <string>

namespace secgan {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

/// "QUOTA PERIOD" in microseconds; "max" and -1 are no quota.
std::optional<double> quota_of(const std::string& text) {
  std::istringstream words(text);
  double quota = 0, period = 0;
  if (!(words >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

}  // namespace

std::optional<double> cpu_quota(std::string_view groups, const fs::path& root) {
  std::optional<double> smallest;
  const auto meet = [&](std::optional<double> quota) {
    if (quota && (!smallest || *quota < *smallest)) smallest = quota;
  };
  std::istringstream lines{std::string(groups)};
  for (std::string line; std::getline(lines, line);) {  // "0::/path" (version 2), "4:cpu,cpuacct:/path" (version 1)
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    std::string controllers = line.substr(first, second - first + 1);
    controllers.front() = controllers.back() = ',';
    const bool unified = controllers == ",,";
    if (!unified && controllers.find(",cpu,") == std::string::npos) continue;
    // In a container the path may be the host's, which is not mounted: its ancestors are tried all the same, down to the mount.
    for (fs::path path = fs::path(line.substr(second + 1)).relative_path();; path = path.parent_path()) {
      if (unified) {
        meet(quota_of(first_line(root / path / "cpu.max")));
      } else {
        const fs::path folder = root / "cpu" / path;
        meet(quota_of(first_line(folder / "cpu.cfs_quota_us") + " " + first_line(folder / "cpu.cfs_period_us")));
      }
      if (path.empty()) break;
    }
  }
  return smallest;
}

}  // namespace secgan
