#pragma once
/// Exceptions of the library. Messages name the argument or file, the rule and what was found.

#include <stdexcept>
#include <string>
#include <string_view>

#include "secgan/core/export.hpp"

namespace secgan {

/// `text` in one line, with `\xNN` for every byte that is no UTF-8 text or steers a terminal: messages quote what damaged files hold, and
/// terminals and Python decode them.
inline std::string printable(std::string_view text) {
  const auto follows = [&](size_t i) { return i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0u) == 0x80u; };
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    size_t length = 0;
    if (byte < 0x80) {
      length = (byte >= 0x20 && byte != 0x7f) || byte == '\t' ? 1 : 0;
    } else if (byte >= 0xc2 && byte < 0xe0) {
      length = 2;
    } else if (byte >= 0xe0 && byte < 0xf0) {
      length = 3;
    } else if (byte >= 0xf0 && byte < 0xf5) {
      length = 4;
    }
    for (size_t k = 1; k < length; ++k) {
      if (!follows(i + k)) length = 0;
    }
    // Control characters of eight bits, line and paragraph separators, changes of direction.
    if (length == 2 && byte == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0) length = 0;
    if (length == 3 && byte == 0xe2) {
      const auto second = static_cast<unsigned char>(text[i + 1]), third = static_cast<unsigned char>(text[i + 2]);
      if ((second == 0x80 && third >= 0xa8 && third <= 0xae) || (second == 0x81 && third >= 0xa6 && third <= 0xa9)) length = 0;
    }
    // Overlong forms, surrogates, beyond the last code point.
    if (length >= 3) {
      const auto second = static_cast<unsigned char>(text[i + 1]);
      if ((byte == 0xe0 && second < 0xa0) || (byte == 0xed && second > 0x9f) || (byte == 0xf0 && second < 0x90) ||
          (byte == 0xf4 && second > 0x8f))
        length = 0;
    }
    if (length > 0) {
      out.append(text.substr(i, length));
      i += length;
    } else {
      if (byte == '\n') {
        out += "\\n";
        ++i;
        continue;
      }
      constexpr std::string_view kDigits = "0123456789abcdef";
      out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
      ++i;
    }
  }
  return out;
}

/// Something failed while running: a file, a format, a training run. Python: RuntimeError.
class SECGAN_API Error : public std::runtime_error {
 public:
  explicit Error(std::string_view message) : std::runtime_error(printable(message)) {}
};

/// A file or folder that is not there. Python: FileNotFoundError.
class SECGAN_API FileNotFound : public Error {
 public:
  using Error::Error;
};

/// An argument breaks its documented rule. Python: ValueError.
class SECGAN_API InvalidArgument : public std::invalid_argument {
 public:
  explicit InvalidArgument(std::string_view message) : std::invalid_argument(printable(message)) {}
};

}  // namespace secgan
