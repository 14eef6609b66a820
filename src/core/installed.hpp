#pragma once
/// Data files that come with the library.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "secgan/core/export.hpp"

namespace secgan::detail {

/// share/secgan/NAME beside the folder of the library; empty where that is not known.
SECGAN_API std::filesystem::path installed_place(std::string_view name);

/// The user's own place for it: secgan/NAME in $XDG_DATA_HOME, or ~/.local/share.
SECGAN_API std::filesystem::path user_place(std::string_view name);

/// The first of both that is there, a file or a folder.
SECGAN_API std::optional<std::filesystem::path> find_installed(std::string_view name);

/// "2.13.0+cpu": the version of the torch package whose LibTorch this process runs on; empty where there is no package around it.
SECGAN_API std::string loaded_torch_version();

}  // namespace secgan::detail
