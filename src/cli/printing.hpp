#pragma once
/// The one place where commands print for people. Names and files come from strangers: what is in them is shown, and never moves a
/// terminal's cursor.

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "core/format.hpp"
#include "secgan/core/error.hpp"

namespace secgan::cli {

/// As printable, and `\xNN` for what else steers a terminal: delete, the control characters of two bytes (one of them begins an escape
/// sequence), and those that turn the direction of writing.
inline std::string shown(std::string_view text) {
  std::string out;
  const std::string clean = printable(text);
  const std::string_view rest = clean;
  for (size_t i = 0; i < rest.size();) {
    const auto within = [&](size_t length, std::string_view first, std::string_view last) {
      const std::string_view character = rest.substr(i, length);
      return character >= first && character <= last ? length : 0;
    };
    // U+0080 to U+009F; LRM and RLM; the embeddings and overrides; the isolates.
    const size_t steering = within(1, "\x7f", "\x7f") + within(2, "\xc2\x80", "\xc2\x9f") + within(3, "\xe2\x80\x8e", "\xe2\x80\x8f") +
                            within(3, "\xe2\x80\xaa", "\xe2\x80\xae") + within(3, "\xe2\x81\xa6", "\xe2\x81\xa9");
    for (const char byte : rest.substr(i, steering)) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    if (steering == 0) out += rest[i];
    i += std::max<size_t>(steering, 1);
  }
  return out;
}

/// Exactly these bytes, as for programs. Whether they got through is asked once, at the end of the command.
void print_bytes(std::FILE* stream, std::string_view bytes);

inline void print_lines(std::FILE* stream, std::string_view text) {
  std::string lines;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    // What ends with a line's end has no empty line after it.
    if (end < text.size() || end > begin || text.empty()) lines += shown(text.substr(begin, end - begin)) + '\n';
    begin = end + 1;
  }
  print_bytes(stream, lines);
}

/// Results, as whole lines, to standard output.
template <class... Values>
void say(fmt::format_string<Values...> text, Values&&... values) {
  print_lines(stdout, fmt::format(text, std::forward<Values>(values)...));
}

/// One line about the work, to standard error: what went wrong is all that a user needs.
template <class... Values>
void tell(fmt::format_string<Values...> text, Values&&... values) {
  std::string line = fmt::format(text, std::forward<Values>(values)...);
  std::ranges::replace(line, '\n', ' ');
  print_lines(stderr, line);
}

}  // namespace secgan::cli
