#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace secgan {

/// The number that the whole text writes in decimal digits; nullopt for anything else, also before or behind them.
inline std::optional<int64_t> whole_number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace secgan
