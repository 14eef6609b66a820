#include "secgan/metrics/structural_similarity.hpp"

#include <ATen/ATen.h>

#include <array>
#include <cmath>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/metrics/agreement.hpp"

namespace secgan {
namespace {

constexpr int64_t kWindow = 11, kCenter = kWindow / 2;
constexpr double kSigma = 1.5, kRange = 2;
constexpr double kC1 = 0.01 * kRange * 0.01 * kRange, kC2 = 0.03 * kRange * 0.03 * kRange;

std::array<double, kWindow> gaussian() {
  std::array<double, kWindow> weights{};
  double sum = 0;
  for (int64_t i = 0; i < kWindow; ++i) {
    const auto x = static_cast<double>(i - kCenter);
    sum += weights[static_cast<size_t>(i)] = std::exp(-x * x / (2 * kSigma * kSigma));
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

/// Weighted means over every window that lies inside: shifted sums, faster than float64 convolutions.
at::Tensor window_means(at::Tensor maps) {
  static const std::array<double, kWindow> weights = gaussian();
  for (const int64_t dimension : {2, 3}) {
    const int64_t extent = maps.size(dimension) - kWindow + 1;
    at::Tensor sum = maps.narrow(dimension, 0, extent) * weights[0];
    for (int64_t i = 1; i < kWindow; ++i) sum = sum.add(maps.narrow(dimension, i, extent), weights[static_cast<size_t>(i)]);
    maps = sum;
  }
  return maps;
}

}  // namespace

at::Tensor structural_similarity(const at::Tensor& a, const at::Tensor& b) {
  check_photos(a, "a", b, "b");
  if (a.size(2) < kWindow || a.size(3) < kWindow) {
    throw InvalidArgument(fmt::format("a and b must be at least {} by {} pixels, found {} by {}", kWindow, kWindow, a.size(2), a.size(3)));
  }
  const at::Tensor x = a.to(at::kDouble), y = b.to(at::kDouble);
  const at::Tensor mean_x = window_means(x), mean_y = window_means(y), means = mean_x * mean_y;
  const at::Tensor squares = mean_x.square() + mean_y.square();
  const at::Tensor covariance = window_means(x * y) - means;
  const at::Tensor variances = window_means(x.square() + y.square()) - squares;
  return ((2 * means + kC1) * (2 * covariance + kC2) / ((squares + kC1) * (variances + kC2))).mean({1, 2, 3});
}

}  // namespace secgan
