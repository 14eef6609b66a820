#pragma once

namespace secgan {

/// A metric computed on several parts of the data.
struct MeanDeviation {
  double mean = 0;
  double deviation = 0;  ///< standard deviation over the parts, divided by their number; 0 for one part
};

}  // namespace secgan
