#pragma once
/// Option structs as files that people write: TOML, or JSON by the name's ending.

#include <filesystem>
#include <string>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"

namespace secgan {
namespace detail {

SECGAN_API void load_settings(const Record& record, const std::filesystem::path& file);
SECGAN_API void save_settings(const Record& record, const std::filesystem::path& file);
SECGAN_API std::string settings_text(const Record& record);

}  // namespace detail

/// Any option struct from a file, as `load_settings<TrainSettings>("settings.toml")`. What the file lacks keeps its value in `defaults`.
/// @throws FileNotFound; Error as "file:line: what is wrong" for text that is no TOML or JSON; InvalidArgument naming file and key for an
///         unknown key (the known ones are listed), a value of another kind or one that breaks a rule.
template <Described T>
T load_settings(const std::filesystem::path& file, T defaults = T()) {
  detail::load_settings(record_of(defaults), file);
  return defaults;
}

/// Every field, whole or not at all; load_settings gives the same struct back.
/// @throws Error naming the file and the reason.
template <Described T>
void save_settings(const std::filesystem::path& file, const T& options) {
  T copy = options;
  detail::save_settings(record_of(copy), file);
}

/// What save_settings writes into a TOML file.
template <Described T>
std::string settings_text(const T& options) {
  T copy = options;
  return detail::settings_text(record_of(copy));
}

}  // namespace secgan
