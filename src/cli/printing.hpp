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

/// What was printed so far, for who watches.
void flush_results();

/// Exactly these bytes, as for programs. Whether they got through is asked once, at the end of the command.
void print_bytes(std::FILE* stream, std::string_view bytes);

inline void print_lines(std::FILE* stream, std::string_view text) {
  std::string lines;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    // What ends with a line's end has no empty line after it.
    if (end < text.size() || end > begin || text.empty()) lines += printable(text.substr(begin, end - begin)) + '\n';
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
