#pragma once

#include "secgan/metrics/feature_statistics.hpp"

namespace secgan::testing {

/// Of features [N, D], taken in as one batch.
inline FeatureStatistics statistics_of(const at::Tensor& features) {
  FeatureStatistics statistics(features.size(1));
  statistics.update(features);
  return statistics;
}

}  // namespace secgan::testing
