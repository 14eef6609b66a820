#pragma once
/// The CPU quota of Linux control groups.

#include <filesystem>
#include <optional>
#include <string_view>

namespace secgan {

/// The smallest quota among a process's groups and their ancestors, in CPUs; nullopt: none is set, or there are no such groups.
/// @param groups  content of /proc/self/cgroup   @param root  where the groups are mounted, /sys/fs/cgroup
std::optional<double> cpu_quota(std::string_view groups, const std::filesystem::path& root);

}  // namespace secgan
