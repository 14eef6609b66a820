#include "study/difference.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace secgan {

Spread spread_of(const std::vector<double>& values) {
  Spread out{0, 0, values.size()};
  for (const double v : values) out.mean += v / static_cast<double>(values.size());
  for (const double v : values) out.deviation += (v - out.mean) * (v - out.mean);
  out.deviation = values.size() > 1 ? std::sqrt(out.deviation / static_cast<double>(values.size() - 1)) : std::nan("");
  return out;
}

double half_width(const Spread& spread) {
  constexpr std::array<double, 10> kQuantiles{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228};
  if (spread.count < 2) return std::nan("");
  const size_t degrees = spread.count - 1;
  const double quantile = degrees <= kQuantiles.size() ? kQuantiles[degrees - 1] : 1.96 + 2.5 / static_cast<double>(degrees);
  return quantile * spread.deviation / std::sqrt(static_cast<double>(spread.count));
}

Difference difference_of(const std::vector<Interval>& a, const std::vector<Interval>& b) {
  std::vector<double> values;
  std::vector<at::Tensor> resampled;
  for (size_t k = 0; k < std::min(a.size(), b.size()); ++k) {
    values.push_back(a[k].value - b[k].value);
    if (a[k].resampled.defined() && b[k].resampled.defined()) resampled.push_back(a[k].resampled - b[k].resampled);
  }
  Difference out{spread_of(values), std::nan(""), std::nan("")};
  if (!values.empty() && resampled.size() == values.size()) {
    const at::Tensor ends = at::quantile(at::stack(resampled).mean(0), at::tensor({0.025, 0.975}, at::kDouble));
    out.low = ends[0].item<double>(), out.high = ends[1].item<double>();
  }
  return out;
}

Interval mean_of(const std::vector<Interval>& metrics) {
  Interval out;
  std::vector<at::Tensor> resampled;
  for (const Interval& metric : metrics) {
    out.value += metric.value / static_cast<double>(metrics.size());
    if (metric.resampled.defined()) resampled.push_back(metric.resampled);
  }
  if (!metrics.empty() && resampled.size() == metrics.size()) out.resampled = at::stack(resampled).mean(0);
  return out;
}

}  // namespace secgan
