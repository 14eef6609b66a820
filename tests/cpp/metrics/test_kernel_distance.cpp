#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "numeric.hpp"
#include "secgan/core/error.hpp"
#include "secgan/metrics/kernel_distance.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

double kernel(const at::Tensor& x, const at::Tensor& y) {
  return std::pow((x * y).sum().item<double>() / static_cast<double>(x.numel()) + 1, 3);
}

/// The definition, pair by pair.
double slow(const at::Tensor& a, const at::Tensor& b) {
  const int64_t n = a.size(0), m = b.size(0);
  double within_a = 0, within_b = 0, between = 0;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) within_a += i == j ? 0 : kernel(a[i], a[j]);
    for (int64_t j = 0; j < m; ++j) between += kernel(a[i], b[j]);
  }
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < m; ++j) within_b += i == j ? 0 : kernel(b[i], b[j]);
  }
  return within_a / static_cast<double>(n * (n - 1)) + within_b / static_cast<double>(m * (m - 1)) -
         2 * between / static_cast<double>(n * m);
}

}  // namespace

TEST_CASE("the squared MMD is its definition, for sets of any sizes", "[metrics]") {
  torch::manual_seed(12);
  const at::Tensor a = randn64({7, 3}), b = randn64({5, 3}) * 1.5 + 0.3;
  CHECK(squared_mmd(a, b) == Approx(slow(a, b)).epsilon(1e-12));
  CHECK(squared_mmd(b, a) == Approx(slow(a, b)).epsilon(1e-12));
  CHECK(squared_mmd(a.to(at::kFloat), b) == Approx(slow(a, b)).epsilon(1e-5));
  // More rows than the kernel matrix is cut at.
  const at::Tensor many = randn64({2500, 2});
  const at::Tensor k = (many.mm(many.t()) / 2 + 1).pow(3);
  const double inside = (k.sum() - k.trace()).item<double>() / (2500.0 * 2499.0), all = k.mean().item<double>();
  CHECK(squared_mmd(many, many) == Approx(2 * inside - 2 * all).epsilon(1e-9));
}

TEST_CASE("the estimate is unbiased: about 0 for equal distributions, on both sides of it", "[metrics]") {
  torch::manual_seed(13);
  int64_t below = 0;
  double sum = 0, squares = 0;
  constexpr int kTries = 200;
  for (int i = 0; i < kTries; ++i) {
    const double value = squared_mmd(randn64({20, 4}), randn64({20, 4}));
    below += value < 0;
    sum += value;
    squares += value * value;
  }
  const double mean = sum / kTries, error = std::sqrt((squares / kTries - mean * mean) / kTries);
  CHECK(std::abs(mean) < 3 * error);
  CHECK(below > kTries / 4);
}

TEST_CASE("subsets are drawn without replacement, from the seed alone", "[metrics]") {
  torch::manual_seed(14);
  const at::Tensor a = randn64({12, 3}), b = randn64({15, 3}) + 1;
  const KernelDistanceOptions options{.subsets = 20, .subset_size = 6, .seed = 1};
  const MeanDeviation first = kernel_distance(a, b, options);
  torch::manual_seed(99);
  const MeanDeviation again = kernel_distance(a, b, options);
  CHECK(first.mean == again.mean);
  CHECK(first.deviation == again.deviation);
  CHECK(first.mean != kernel_distance(a, b, {.subsets = 20, .subset_size = 6, .seed = 2}).mean);
  // A subset of everything is everything, in whatever order: one value, no deviation. With replacement it would vary.
  const MeanDeviation whole = kernel_distance(a, b.slice(0, 0, 12), {.subsets = 5, .subset_size = 12});
  CHECK(whole.mean == Approx(squared_mmd(a, b.slice(0, 0, 12))).epsilon(1e-12));
  CHECK(whole.deviation < 1e-12);
  // Unbiased for every size: the mean over many subsets nears the whole's value.
  const MeanDeviation many = kernel_distance(a, b, {.subsets = 3000, .subset_size = 6});
  CHECK(std::abs(many.mean - squared_mmd(a, b)) < 4 * many.deviation / std::sqrt(3000.0));
}

TEST_CASE("sets that are too small or no features are refused", "[metrics]") {
  const at::Tensor a = torch::ones({4, 3});
  CHECK_THROWS_WITH(kernel_distance(a, torch::ones({9, 3}), {.subset_size = 5}), "a must have at least 5 rows, found 4");
  CHECK_THROWS_WITH(kernel_distance(torch::ones({9, 3}), a, {.subset_size = 5}), "b must have at least 5 rows, found 4");
  CHECK_THROWS_WITH(kernel_distance(a, a, {.subset_size = 1}), Catch::Contains("subset_size"));
  CHECK_THROWS_WITH(kernel_distance(a, a, {.subsets = 0, .subset_size = 2}), Catch::Contains("subsets"));
  CHECK_THROWS_WITH(squared_mmd(a, torch::ones({4, 2})), Catch::Contains("b must be [M, D] with dimension 1 = 3"));
  CHECK_THROWS_WITH(squared_mmd(a, torch::ones({1, 3})), Catch::Contains("b must have at least 2 rows"));
  CHECK_THROWS_WITH(squared_mmd(a / 0, a), Catch::Contains("must be finite"));
}
