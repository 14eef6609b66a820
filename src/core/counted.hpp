#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace secgan {

/// "1 thread", "2 threads"
inline std::string counted(int64_t count, std::string_view thing) {
  return std::to_string(count) + " " + std::string(thing) + (count == 1 ? "" : "s");
}

}  // namespace secgan
