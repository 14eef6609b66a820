#pragma once
/// How much memory a program may still take.

#include <cstdint>
#include <filesystem>
#include <optional>

#include "secgan/core/export.hpp"

namespace secgan {

/// Bytes that can be taken without swapping: what the system says to be available, or what is left to the process's control group,
/// whichever is less; nullopt where neither is told.
/// @param root  of /proc and /sys, for tests
SECGAN_API std::optional<uint64_t> available_memory(const std::filesystem::path& root = "/");

}  // namespace secgan
