#pragma once
#include <string>

namespace secgan {

/// A message without what differs from one case to the next: digits, and what stands between quotes.
inline std::string message_kind(const std::string& message) {
  std::string kind;
  for (size_t at = 0; at < message.size(); ++at) {
    const char c = message[at];
    if (c == '\'') {
      // A quote that is closed; an apostrophe is none.
      const size_t end = message.find('\'', at + 1);
      const bool opens = at == 0 || message[at - 1] == ' ' || message[at - 1] == '(';
      if (opens && end != std::string::npos) {
        kind += "''";
        at = end;
        continue;
      }
    }
    const bool digit = c >= '0' && c <= '9';
    if (digit && kind.ends_with('0')) continue;
    kind += digit ? '0' : c;
  }
  return kind;
}

}  // namespace secgan
