#pragma once

#include <string>
#include <utility>
#include <vector>

namespace secgan {

/// Numbers by name, in a fixed order.
using NamedValues = std::vector<std::pair<std::string, double>>;

}  // namespace secgan
