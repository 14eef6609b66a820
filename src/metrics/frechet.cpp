#include "secgan/metrics/frechet.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "core/format.hpp"
#include "metrics/measures.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kAsymmetry = 1e-6, kIndefiniteness = 1e-4;  // more than float32 files bring along
constexpr double kWantedError = 1e-10;                       // of the traces

double number(const at::Tensor& scalar) { return scalar.item<double>(); }

at::Tensor checked_covariance(const at::Tensor& values, std::string_view name) {
  const at::Tensor covariance = finite_float64(values, name).to(at::kCPU);
  const double asymmetry = number((covariance - covariance.t()).abs().max()), largest = number(covariance.abs().max());
  if (asymmetry > kAsymmetry * largest) throw InvalidArgument(fmt::format("{} is not symmetric: entries differ from their mirror images by up to {:.3g}", name, asymmetry));
  return (covariance + covariance.t()) / 2;
}

/// F [D, r] with F Fᵀ = covariance.
struct Factor {
  at::Tensor matrix;
  bool triangular;  ///< Cholesky's, r = D
};

Factor factorise(const at::Tensor& covariance, std::string_view name) {
  const double rounding = kEpsilon * static_cast<double>(covariance.size(0));
  const auto [lower, failed] = at::linalg_cholesky_ex(covariance);
  if (failed.item<int>() == 0) {
    // A singular matrix can pass by luck: its last pivots are then of rounding's size.
    const at::Tensor pivots = lower.diagonal().square();
    if (number(pivots.min()) > rounding * number(pivots.max())) return {lower, true};
  }
  const auto [values, vectors] = at::linalg_eigh(covariance);
  const double smallest = number(values[0]), largest = number(values[-1]);
  if (smallest < -kIndefiniteness * std::max(largest, 0.0)) {
    throw InvalidArgument(fmt::format("{} is not positive semi-definite: eigenvalues from {:.3g} to {:.3g}", name, smallest, largest));
  }
  // Eigenvalues of rounding's size are zeros; their roots would not be small.
  const at::Tensor kept = (values > rounding * largest).nonzero().flatten();
  return {vectors.index_select(1, kept) * values.index_select(0, kept).sqrt(), false};
}

/// Sum of the singular values of f1ᵀ f2 = tr √(S1 S2), to an absolute error of about `wanted_error`.
double trace_of_root(const Factor& f1, const Factor& f2, double wanted_error) {
  const at::Tensor product = f1.matrix.t().mm(f2.matrix);
  if (product.numel() == 0) return 0;
  if (f1.triangular && f2.triangular) {
    // Roots of the eigenvalues of the square: three times as fast, where no small one loses its digits. Rounding moves
    // an eigenvalue by eps · largest, hence its root by that over twice the root.
    const at::Tensor roots = at::linalg_eigvalsh(product.mm(product.t())).clamp_min(0).sqrt();
    const double largest = number(roots.max());
    if (kEpsilon * largest * largest * number((0.5 / roots).sum()) <= wanted_error) return number(roots.sum());
  }
  return number(at::linalg_svdvals(product).sum());
}

}  // namespace

double frechet_distance(const at::Tensor& mean1, const at::Tensor& covariance1, const at::Tensor& mean2, const at::Tensor& covariance2) {
  check_shape(mean1, "mean1", {kAny}, "[D]");
  const int64_t dims = mean1.size(0);
  if (dims == 0) throw InvalidArgument("mean1 must be [D] with D > 0, found no entries");
  check_shape(covariance1, "covariance1", {dims, dims}, "[D, D]");
  check_shape(mean2, "mean2", {dims}, "[D]");
  check_shape(covariance2, "covariance2", {dims, dims}, "[D, D]");
  const at::Tensor difference = finite_float64(mean1, "mean1").to(at::kCPU) - finite_float64(mean2, "mean2").to(at::kCPU);
  const at::Tensor s1 = checked_covariance(covariance1, "covariance1"), s2 = checked_covariance(covariance2, "covariance2");
  const Factor f1 = factorise(s1, "covariance1"), f2 = factorise(s2, "covariance2");
  const double traces = number(s1.trace()) + number(s2.trace());
  return std::max(number(difference.square().sum()) + traces - 2 * trace_of_root(f1, f2, kWantedError * traces), 0.0);
}

double frechet_distance(const GaussianMoments& a, const GaussianMoments& b) {
  return frechet_distance(a.mean, a.covariance, b.mean, b.covariance);
}

}  // namespace secgan
