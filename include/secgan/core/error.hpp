#pragma once
/// Exceptions of the library. Messages name the argument or file, the rule and what was found.

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "secgan/core/export.hpp"

namespace secgan {

namespace detail {

/// A character of UTF-8 text: its bytes and its code point; of no length where the text begins with none.
struct Utf8Character {
  size_t length = 0;
  uint32_t code = 0;
};

inline Utf8Character utf8_character(std::string_view text) {
  struct Form {
    uint32_t first_low, first_high, second_low, second_high;
    size_t length;
  };
  // Without overlong forms, surrogates and what lies beyond the last code point (Unicode, table 3-7).
  static constexpr std::array<Form, 9> kForms{{{0x00, 0x7f, 0, 0, 1},
                                               {0xc2, 0xdf, 0x80, 0xbf, 2},
                                               {0xe0, 0xe0, 0xa0, 0xbf, 3},
                                               {0xe1, 0xec, 0x80, 0xbf, 3},
                                               {0xed, 0xed, 0x80, 0x9f, 3},
                                               {0xee, 0xef, 0x80, 0xbf, 3},
                                               {0xf0, 0xf0, 0x90, 0xbf, 4},
                                               {0xf1, 0xf3, 0x80, 0xbf, 4},
                                               {0xf4, 0xf4, 0x80, 0x8f, 4}}};
  const auto byte = [&](size_t i) { return uint32_t{static_cast<unsigned char>(text[i])}; };
  for (const Form& form : kForms) {
    if (byte(0) < form.first_low || byte(0) > form.first_high) continue;
    if (text.size() < form.length) return {};
    uint32_t code = form.length == 1 ? byte(0) : byte(0) & (0x7fu >> form.length);
    for (size_t i = 1; i < form.length; ++i) {
      const uint32_t low = i == 1 ? form.second_low : 0x80, high = i == 1 ? form.second_high : 0xbf;
      if (byte(i) < low || byte(i) > high) return {};
      code = code << 6 | (byte(i) & 0x3fu);
    }
    return {form.length, code};
  }
  return {};
}

/// Whether a terminal does something at this character but show it: control characters but the tab, separators of lines and paragraphs,
/// changes of direction.
inline bool steers_terminal(uint32_t code) {
  static constexpr std::array<std::pair<uint32_t, uint32_t>, 7> kRanges{
      {{0x00, 0x08}, {0x0a, 0x1f}, {0x7f, 0x9f}, {0x61c, 0x61c}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}}};
  return std::ranges::any_of(kRanges, [code](const auto& range) { return code >= range.first && code <= range.second; });
}

}  // namespace detail

/// `text` in one line, with `\xNN` for every byte that is no UTF-8 text or steers a terminal: messages quote what damaged files hold, and
/// terminals and Python decode them.
inline std::string printable(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  while (!text.empty()) {
    const auto [length, code] = detail::utf8_character(text);
    const std::string_view bytes = text.substr(0, length > 0 ? length : 1);
    if (length > 0 && !detail::steers_terminal(code)) {
      out += bytes;
    } else if (bytes == "\n") {
      out += "\\n";
    } else {
      for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        out += {'\\', 'x', kDigits[value >> 4], kDigits[value & 15]};
      }
    }
    text.remove_prefix(bytes.size());
  }
  return out;
}

namespace detail {

/// As an exception says it: printable, and of a length that somebody reads, however much of a file it quotes.
inline std::string message(std::string_view text) {
  constexpr size_t kMost = 10'000;
  if (text.size() <= kMost) return printable(text);
  return printable(text.substr(0, kMost)) + "... (" + std::to_string(text.size()) + " bytes in all)";
}

}  // namespace detail

/// Something failed while running: a file, a format, a training run. Python: RuntimeError.
class SECGAN_API Error : public std::runtime_error {
 public:
  explicit Error(std::string_view message) : std::runtime_error(detail::message(message)) {}
};

/// A file or folder that is not there. Python: FileNotFoundError.
class SECGAN_API FileNotFound : public Error {
 public:
  using Error::Error;
};

/// An argument breaks its documented rule. Python: ValueError.
class SECGAN_API InvalidArgument : public std::invalid_argument {
 public:
  explicit InvalidArgument(std::string_view message) : std::invalid_argument(detail::message(message)) {}
};

}  // namespace secgan
