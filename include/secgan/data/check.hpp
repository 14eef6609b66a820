#pragma once
/// Finding every unusable sample of a data set before a week of training does.

#include <string>
#include <vector>

#include "secgan/data/dataset.hpp"

namespace secgan {

struct DataProblem {
  std::string sample;   ///< its file
  std::string problem;  ///< one line
};

/// Reads every sample and stops at none.  @return what cannot be read, in the data set's order
std::vector<DataProblem> check_data(const Dataset& data, int threads = 2);

}  // namespace secgan
