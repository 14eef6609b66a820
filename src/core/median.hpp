#pragma once
#include <algorithm>
#include <cstddef>
#include <vector>

namespace secgan {

/// The middle one, or the mean of the two in the middle.  @param values  at least one
inline double median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace secgan
