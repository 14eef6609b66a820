#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace secgan {

/// "'a', 'b', 'c' and 7 more"
inline std::string some_of(const std::vector<std::string>& names, size_t shown = 3, std::string_view quote = "'") {
  std::string text;
  for (size_t i = 0; i < std::min(shown, names.size()); ++i) text.append(i == 0 ? "" : ", ").append(quote).append(names[i]).append(quote);
  if (names.size() > shown) text += " and " + std::to_string(names.size() - shown) + " more";
  return text;
}

}  // namespace secgan
