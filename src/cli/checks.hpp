#pragma once
/// Rules for flags of no settings struct.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "core/format.hpp"
#include "core/whole_number.hpp"

namespace secgan::cli {

/// Looked at as text: a number that no integer holds is told as it was written.
inline CLI::Validator whole_number_in(int64_t least, int64_t most) {
  const auto check = [=](const std::string& text) {
    const std::optional<int64_t> value = whole_number(text);
    if (value && *value >= least && *value <= most) return std::string();
    return fmt::format("must be a whole number from {} to {}, found '{}'", least, most, text);
  };
  return {check, ""};
}

}  // namespace secgan::cli
