#pragma once
/// How far a metric differs between two ways to train: over seeds, and over photos.

#include <cstddef>
#include <vector>

#include "secgan/metrics/bootstrap.hpp"

namespace secgan {

/// Of values, one per seed.
struct Spread {
  double mean = 0;
  double deviation = 0;  ///< standard deviation of a sample; NaN for fewer than two values
  std::size_t count = 0;
};

Spread spread_of(const std::vector<double>& values);

/// Half the width of Student's 95 % interval of a mean; NaN for fewer than two values.
double half_width(const Spread& spread);

/// A metric of one way minus another's.
struct Difference {
  Spread seeds;              ///< taken seed by seed
  double low = 0, high = 0;  ///< 95 % interval over photos of the mean over seeds; NaN where the metric was not resampled
};

/// @param a, b  metrics by seed, of the same photos under one protocol, whose resamples are therefore the same; the shorter list counts
Difference difference_of(const std::vector<Interval>& a, const std::vector<Interval>& b);

/// The mean of metrics of one evaluation; there is at least one. Its own interval is not filled in.
Interval mean_of(const std::vector<Interval>& metrics);

}  // namespace secgan
