#include "secgan/metrics/frechet.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/format.hpp"
#include "metrics/measures.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/core/threads.hpp"

namespace secgan {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kAsymmetry = 1e-6, kIndefiniteness = 1e-4;  // more than float32 files bring along
constexpr double kWantedError = 1e-10;                       // of the traces

double number(const at::Tensor& scalar) { return scalar.item<double>(); }

at::Tensor checked_covariance(const at::Tensor& values, std::string_view name) {
  check_floating(values, name);
  const at::Tensor covariance = values.detach().to(at::kCPU, at::kDouble);
  const auto [smallest, largest] = at::aminmax(covariance);  // in one pass; NaN wins
  if (!std::isfinite(number(smallest)) || !std::isfinite(number(largest))) throw not_finite(name);
  if (at::equal(covariance, covariance.t())) return covariance;
  const double asymmetry = number((covariance - covariance.t()).abs().max());
  if (asymmetry > kAsymmetry * std::max(-number(smallest), number(largest))) {
    throw InvalidArgument(fmt::format("{} is not symmetric: entries differ from their mirror images by up to {:.3g}", name, asymmetry));
  }
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

constexpr int64_t kAlone = 512;  // dimensions up to which several threads gain little, and wait for each other beside other programs
constexpr int64_t kStrip = 256;  // of rows or columns multiplied at once, where half of a matrix is zeros or not asked for

/// lower1ᵀ lower2, without the zeros above the diagonals.
at::Tensor triangular_product(const at::Tensor& lower1, const at::Tensor& lower2) {
  at::Tensor out = at::empty_like(lower1);
  const int64_t dims = out.size(0);
  for (int64_t begin = 0; begin < dims; begin += kStrip) {
    const int64_t end = std::min(begin + kStrip, dims);
    at::Tensor rows = out.slice(0, begin, end);
    at::mm_out(rows, lower1.slice(0, begin).slice(1, begin, end).t(), lower2.slice(0, begin));
  }
  return out;
}

/// The lower half of a aᵀ; above it only the blocks on the diagonal are filled.
at::Tensor lower_gram(const at::Tensor& a) {
  at::Tensor out = at::zeros_like(a);
  const int64_t dims = out.size(0);
  for (int64_t begin = 0; begin < dims; begin += kStrip) {
    const int64_t end = std::min(begin + kStrip, dims);
    out.slice(0, begin).slice(1, begin, end).copy_(a.slice(0, begin).mm(a.slice(0, begin, end).t()));
  }
  return out;
}

/// Sum of the singular values of f1ᵀ f2 = tr √(S1 S2), to an absolute error of about `wanted_error`.
double trace_of_root(const Factor& f1, const Factor& f2, double wanted_error) {
  const bool regular = f1.triangular && f2.triangular;
  const at::Tensor product = regular ? triangular_product(f1.matrix, f2.matrix) : f1.matrix.t().mm(f2.matrix);
  if (product.numel() == 0) return 0;
  if (regular) {
    // Roots of the eigenvalues of the square: three times as fast, where no small one loses its digits. Rounding moves
    // an eigenvalue by eps · largest, hence its root by that over twice the root.
    const at::Tensor roots = at::linalg_eigvalsh(lower_gram(product), "L").clamp_min(0).sqrt();
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
  const ThreadGuard threads(dims <= kAlone ? 1 : 0);
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
