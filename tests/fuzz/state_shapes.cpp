#include <ATen/ATen.h>

#include <sstream>
#include <string>

#include "secgan/bundle/recognize.hpp"
#include "targets.hpp"

namespace secgan::fuzz {

/// Lines of a name and a shape, without memory for the values: which network is it?
void state_shapes(std::string_view bytes) {
  constexpr int64_t kMostValues = int64_t{1} << 40;
  NamedTensors state;
  std::istringstream lines{std::string(bytes)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    std::vector<int64_t> shape;
    int64_t values = 1;
    for (int64_t side = 0; words >> side && side >= 0 && !__builtin_mul_overflow(values, side, &values) && values < kMostValues;) {
      shape.push_back(side);
    }
    if (!name.empty()) state.emplace_back(name, at::empty(shape, at::device(at::kMeta)));
  }
  if (const auto found = recognize(state)) describe(*found);
}

}  // namespace secgan::fuzz
