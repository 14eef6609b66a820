#pragma once
/// Finding every unusable sample of a data set before a week of training does.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/data/dataset.hpp"

namespace secgan {

struct DataProblem {
  std::string sample;   ///< its file
  std::string problem;  ///< one line
};

/// Reads every sample and stops at none.
/// @param progress  called with the number of samples read so far, from one thread at a time, ascending
/// @return what cannot be read, in the data set's order
SECGAN_API std::vector<DataProblem> check_data(const Dataset& data, int threads = 2,
                                               const std::function<void(int64_t done)>& progress = {});

/// How many photos of a part of a data set show each attribute.
struct AttributeCounts {
  int64_t photos = 0;          ///< with labels
  std::vector<int64_t> shown;  ///< in the schema's order
};
/// From the labels alone: no photo is read.  @param data with attributes
SECGAN_API AttributeCounts count_attributes(const Dataset& data);

/// Problems of one kind: their texts are the same but for what stands between quotes, and for numbers.
struct DataFault {
  std::string problem;  ///< of the first sample
  std::vector<std::string> samples;
};
/// One fault for each kind, those of most samples first.
SECGAN_API std::vector<DataFault> group_problems(const std::vector<DataProblem>& problems);

}  // namespace secgan
