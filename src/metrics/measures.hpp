#pragma once
/// What the measures share.

#include <ATen/ATen.h>

#include <cmath>
#include <numeric>
#include <string_view>
#include <vector>

#include "core/floating.hpp"
#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/metrics/mean_deviation.hpp"

namespace secgan {

inline InvalidArgument not_finite(std::string_view name) { return InvalidArgument(fmt::format("{} must be finite everywhere", name)); }

/// Without gradient.  @throws InvalidArgument for integers and for values that are not finite.
inline at::Tensor finite_float64(const at::Tensor& values, std::string_view name) {
  check_floating(values, name);
  at::Tensor out = values.detach().to(at::kDouble);
  if (!at::isfinite(out).all().item<bool>()) throw not_finite(name);
  return out;
}

inline MeanDeviation mean_deviation(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / count)};
}

}  // namespace secgan
