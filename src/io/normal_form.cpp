#include "io/normal_form.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <unordered_map>
#include <utility>

#include "core/format.hpp"

namespace secgan::detail {
namespace {

namespace fs = std::filesystem;

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// Whether a character belongs to the one before it: accents, the voiced marks of kana, vowels and finals of Hangul.
bool continues(uint32_t character) {
  constexpr std::array<std::pair<uint32_t, uint32_t>, 6> kRanges{
      {{0x300, 0x36f}, {0x1161, 0x11ff}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0x3099, 0x309a}}};
  return std::ranges::any_of(kRanges, [&](const auto& range) { return character >= range.first && character <= range.second; });
}

struct Rough {
  std::string name;  ///< '?' for each character beyond ASCII, and for each letter with accents
  int64_t accents = 0;
};

Rough rough(std::string_view text) {
  Rough out;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    uint32_t character = lead < 0x80 ? lead : lead & (lead >= 0xf0 ? 0x07U : lead >= 0xe0 ? 0x0fU : 0x1fU);
    for (; lead >= 0xc0 && i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0U) == 0x80; ++i) {
      character = character << 6U | (static_cast<unsigned char>(text[i]) & 0x3fU);
    }
    if (continues(character) && !out.name.empty()) {
      out.name.back() = '?';
      ++out.accents;
    } else {
      out.name += character < 0x80 ? static_cast<char>(character) : '?';
    }
  }
  return out;
}

}  // namespace

bool may_be_other_form(std::string_view name, std::string_view other) {
  if (is_ascii(name) || is_ascii(other)) return false;
  const Rough a = rough(name), b = rough(other);
  return a.name == b.name && a.accents != b.accents;
}

std::string hint_of_other_form(const std::vector<std::string>& missing, const std::vector<std::string>& there) {
  std::unordered_map<std::string, std::string_view> wanted;
  // Lists say names without folders, and with another picture's ending.
  const auto stem = [](std::string_view name) { return fs::path(name).stem().string(); };
  for (const std::string& name : missing) {
    if (!is_ascii(name)) wanted.emplace(rough(stem(name)).name, name);
  }
  if (wanted.empty()) return {};
  for (const std::string& name : there) {
    if (is_ascii(name)) continue;
    const auto found = wanted.find(rough(stem(name)).name);
    if (found == wanted.end() || !may_be_other_form(stem(found->second), stem(name))) continue;
    return fmt::format(
        "; '{}' is there, which seems to be '{}' with its accents in Unicode's other form (NFC, NFD): give both the same name", name,
        found->second);
  }
  return {};
}

std::string hint_of_other_form(const fs::path& missing) {
  const std::string name = missing.filename().string();
  if (is_ascii(name)) return {};
  std::vector<std::string> there;
  std::error_code error;
  const fs::path folder = missing.has_parent_path() ? missing.parent_path() : fs::path(".");
  for (fs::directory_iterator at(folder, error); !error && at != fs::directory_iterator(); at.increment(error)) {
    there.push_back(at->path().filename().string());
  }
  return hint_of_other_form(std::vector{name}, there);
}

}  // namespace secgan::detail
