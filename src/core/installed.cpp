#include "core/installed.hpp"

#include <dlfcn.h>

#include <cstdlib>

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

}  // namespace secgan::detail
