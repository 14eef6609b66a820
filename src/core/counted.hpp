#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace secgan {

/// "1 row repeats", "2 rows repeat"
template <std::integral Count>
std::string counted(Count count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

/// "1 thread", "2 threads"
template <std::integral Count>
std::string counted(Count count, std::string_view thing) {
  return counted(count, thing, std::string(thing) + "s");
}

/// "1 of 3 photos is", "2 of 3 photos are"
template <std::integral Count, std::integral Total>
std::string counted_of(Count count, Total total, std::string_view thing, std::string_view one, std::string_view many) {
  return std::to_string(count) + " of " + counted(total, thing) + " " + std::string(count == 1 ? one : many);
}

}  // namespace secgan
