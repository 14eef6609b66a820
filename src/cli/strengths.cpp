#include "cli/strengths.hpp"

#include <cmath>
#include <cstdint>
#include <string_view>
#include <utility>

#include "core/format.hpp"
#include "core/whole_number.hpp"
#include "secgan/core/error.hpp"

namespace secgan::cli {
namespace {

/// What a flag says of an attribute, "NAME=VALUE", in its two parts.
std::pair<std::string, std::string> named_value(const std::string& text, std::string_view flag, std::string_view form) {
  const size_t equals = text.rfind('=');  // a name may hold one, a strength none
  if (equals == std::string::npos || equals == 0) throw InvalidArgument(fmt::format("{} '{}' is not {}", flag, text, form));
  return {text.substr(0, equals), text.substr(equals + 1)};
}

double parse_strength(const std::string& text, std::string_view flag, const std::string& name) {
  size_t used = 0;
  double strength = 0;
  try {
    strength = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size()) throw InvalidArgument(fmt::format("{} {}: strength '{}' is not a number", flag, name, text));
  return strength;
}

}  // namespace

AttributeEdit parse_edit(const std::string& text) {
  const auto [name, value] = named_value(text, "--set", "NAME=STRENGTH");
  return {name, parse_strength(value, "--set", name)};
}

Sweep parse_sweep(const std::string& text) {
  constexpr std::string_view kFlag = "--sweep", kForm = "NAME=FROM:TO:N";
  constexpr int64_t kMost = 64;
  const auto [name, range] = named_value(text, kFlag, kForm);
  const size_t first = range.find(':'), second = range.find(':', first + 1);
  if (first == std::string::npos || second == std::string::npos)
    throw InvalidArgument(fmt::format("{} '{}' is not {}", kFlag, text, kForm));
  const double from = parse_strength(range.substr(0, first), kFlag, name);
  const double to = parse_strength(range.substr(first + 1, second - first - 1), kFlag, name);
  const std::string number = range.substr(second + 1);
  const int64_t count = whole_number(number).value_or(0);
  if (count < 2 || count > kMost) {
    throw InvalidArgument(fmt::format("{} {}: N must be a whole number from 2 to {}, found '{}'", kFlag, name, kMost, number));
  }
  if (!std::isfinite(from) || !std::isfinite(to)) {
    throw InvalidArgument(fmt::format("{} {}: strengths must be finite, found {} and {}", kFlag, name, from, to));
  }
  if (!(from < to)) throw InvalidArgument(fmt::format("{} {}: FROM must be below TO, found {} and {}", kFlag, name, from, to));
  Sweep sweep{.name = name, .text = fmt::format("{}={}:{}:{}", name, from, to, count)};
  for (int64_t i = 0; i < count; ++i) {
    const double strength = std::lerp(from, to, static_cast<double>(i) / static_cast<double>(count - 1));
    // What rounding leaves of a 0 has no name.
    constexpr double kRounding = 1e-12;
    sweep.strengths.push_back(std::abs(strength) < kRounding * (to - from) ? 0 : strength);
  }
  return sweep;
}

}  // namespace secgan::cli
