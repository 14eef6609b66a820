#include "secgan/metrics/bootstrap.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "metrics/measures.hpp"
#include "secgan/core/random.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// Linear between neighbors, as numpy.percentile; infinite neighbors stay infinite.
double percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return kNone;
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const double part = place - static_cast<double>(below);
  if (part == 0 || sorted[below] == sorted[below + 1]) return sorted[below];
  return sorted[below] * (1 - part) + sorted[below + 1] * part;
}

/// Mean over the last dimension of what has a denominator: [.., A] -> [..]; NaN where nothing has.
at::Tensor mean_quotient(const at::Tensor& above, const at::Tensor& below) {
  const at::Tensor counted = below != 0;
  return at::where(counted, above / below, at::zeros_like(above)).sum(-1) / counted.sum(-1);
}

}  // namespace

Bootstrap::Bootstrap(int64_t photos, int64_t resamples, uint64_t seed, double level) : level_(level) {
  if (photos < 1) throw InvalidArgument(fmt::format("photos must be positive, found {}", photos));
  if (resamples < 1) throw InvalidArgument(fmt::format("resamples must be positive, found {}", resamples));
  if (!(level > 0 && level < 1)) throw InvalidArgument(fmt::format("level must lie between 0 and 1, found {}", level));
  at::Generator generator = seeded_generator(seed);
  weights_ = at::zeros({resamples, photos}, at::kDouble);
  const at::Tensor one = at::ones({photos}, at::kDouble);
  for (int64_t i = 0; i < resamples; ++i) {
    weights_[i].scatter_add_(0, at::randint(photos, {photos}, generator, at::TensorOptions(at::kLong)), one);
  }
}

Interval Bootstrap::interval(double value, const at::Tensor& resampled, int64_t count) const {
  check_shape(resampled, "resampled", {weights_.size(0)}, "[R]");
  const at::Tensor values = resampled.detach().to(at::kCPU, at::kDouble).contiguous();
  std::vector<double> sorted(values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel());
  std::erase_if(sorted, [](double x) { return std::isnan(x); });
  std::ranges::sort(sorted);
  const double outside = (1 - level_) / 2;
  return {value, percentile(sorted, outside), percentile(sorted, 1 - outside), count, values};
}

Interval Bootstrap::mean(const at::Tensor& values) const {
  check_shape(values, "values", {weights_.size(1)}, "[N]");
  return ratio(values, at::ones_like(values));
}

Interval Bootstrap::ratio(const at::Tensor& numerators, const at::Tensor& denominators) const {
  check_shape(numerators, "numerators", {weights_.size(1)}, "[N]");
  check_shape(denominators, "denominators", {weights_.size(1)}, "[N]");
  return mean_ratio(numerators.unsqueeze(1), denominators.unsqueeze(1));
}

Interval Bootstrap::mean_ratio(const at::Tensor& numerators, const at::Tensor& denominators) const {
  check_shape(numerators, "numerators", {weights_.size(1), kAny}, "[N, A]");
  check_same_shape(numerators, "numerators", denominators, "denominators");
  const auto checked = [](const at::Tensor& values, std::string_view name) {
    return finite_float64(values.is_floating_point() ? values : values.to(at::kDouble), name).cpu();
  };
  const at::Tensor above = checked(numerators, "numerators"), below = checked(denominators, "denominators");
  const at::Tensor value = mean_quotient(above.sum(0), below.sum(0));
  return interval(value.item<double>(), mean_quotient(weights_.mm(above), weights_.mm(below)), (below != 0).any(1).sum().item<int64_t>());
}

}  // namespace secgan
