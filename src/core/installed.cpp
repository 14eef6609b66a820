#include "core/installed.hpp"

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <cstdlib>
#include <fstream>

namespace secgan::detail {

namespace fs = std::filesystem;

fs::path installed_place(std::string_view name) {
  Dl_info info;
  static const char here = 0;
  if (::dladdr(&here, &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code ignored;
  return fs::weakly_canonical(info.dli_fname, ignored).parent_path().parent_path() / "share" / "secgan" / name;
}

fs::path user_place(std::string_view name) {
  // NOLINTBEGIN(concurrency-mt-unsafe): nobody sets them
  const char* const data = std::getenv("XDG_DATA_HOME");
  const char* const home = std::getenv("HOME");
  // NOLINTEND(concurrency-mt-unsafe)
  if (data != nullptr && *data == '/') return fs::path(data) / "secgan" / name;
  return fs::path(home == nullptr ? "" : home) / ".local" / "share" / "secgan" / name;
}

std::optional<fs::path> find_installed(std::string_view name) {
  std::error_code ignored;
  for (const fs::path& place : {installed_place(name), user_place(name)}) {
    if (!place.empty() && fs::exists(place, ignored)) return place;
  }
  return std::nullopt;
}

std::string loaded_torch_version() {
  Dl_info info;
  if (::dladdr(reinterpret_cast<const void*>(&at::get_num_threads), &info) == 0 || info.dli_fname == nullptr) return {};
  std::ifstream file(fs::path(info.dli_fname).parent_path().parent_path() / "version.py");
  constexpr std::string_view kBefore = "__version__ = '";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(kBefore)) return line.substr(kBefore.size(), line.rfind('\'') - kBefore.size());
  }
  return {};
}

}  // namespace secgan::detail
