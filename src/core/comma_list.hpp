#pragma once

#include <sstream>
#include <string>
#include <vector>

namespace secgan {

/// "A, B" as a person types a list: its parts, without the blanks around them, which belong to no name. Two commas have an empty part
/// between them; behind the last comma there is none.
inline std::vector<std::string> comma_list(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) {
    const size_t begin = part.find_first_not_of(" \t"), end = part.find_last_not_of(" \t");
    parts.push_back(begin == std::string::npos ? "" : part.substr(begin, end - begin + 1));
  }
  return parts;
}

}  // namespace secgan
