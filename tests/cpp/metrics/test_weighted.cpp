#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "metrics/statistics_of.hpp"
#include "numeric.hpp"
#include "secgan/core/error.hpp"
#include "secgan/metrics/inception_score.hpp"
#include "secgan/metrics/kernel_distance.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

/// Rows as often as their weights say.
at::Tensor repeated(const at::Tensor& rows, const at::Tensor& weights) { return rows.repeat_interleave(weights.to(at::kLong), 0); }

/// 0 to 3, as float64.
at::Tensor random_counts(int64_t n) { return torch::randint(0, 4, {n}, at::kLong).to(at::kDouble); }

double cubic_kernel(const at::Tensor& x, const at::Tensor& y) {
  return std::pow((x * y).sum().item<double>() / static_cast<double>(x.numel()) + 1, 3);
}

/// Weighted mean of the kernel over pairs of different rows: copies of one row are one row.
double mean_within(const at::Tensor& x, const at::Tensor& w) {
  double sum = 0, pairs = 0;
  for (int64_t i = 0; i < x.size(0); ++i) {
    for (int64_t j = 0; j < x.size(0); ++j) {
      if (i == j) continue;
      const double weight = (w[i] * w[j]).item<double>();
      sum += weight * cubic_kernel(x[i], x[j]);
      pairs += weight;
    }
  }
  return sum / pairs;
}

double mean_between(const at::Tensor& x, const at::Tensor& v, const at::Tensor& y, const at::Tensor& w) {
  double sum = 0, pairs = 0;
  for (int64_t i = 0; i < x.size(0); ++i) {
    for (int64_t j = 0; j < y.size(0); ++j) {
      const double weight = (v[i] * w[j]).item<double>();
      sum += weight * cubic_kernel(x[i], y[j]);
      pairs += weight;
    }
  }
  return sum / pairs;
}

}  // namespace

TEST_CASE("moments of weighted rows are those of rows that occur as often", "[metrics]") {
  torch::manual_seed(31);
  // The second set is longer than what is summed at once.
  for (const auto& [rows, dims] : {std::pair<int64_t, int64_t>{15, 4}, {8200, 2}}) {
    CAPTURE(rows);
    const at::Tensor x = randn64({rows, dims}) * 2 + 1;
    at::Tensor weights = random_counts(rows);
    weights[0] = 0;
    weights[1] = 3;
    const GaussianMoments found = weighted_moments(x, weights);
    const FeatureStatistics expected = statistics_of(repeated(x, weights));
    CHECK(max_difference(found.mean, expected.mean()) < 1e-12);
    CHECK(max_difference(found.covariance, expected.covariance()) < 1e-11);
    const GaussianMoments plain = weighted_moments(x.to(at::kFloat), at::ones({rows}, at::kDouble));
    CHECK(plain.mean.scalar_type() == at::kDouble);
    CHECK(max_difference(plain.covariance, statistics_of(x.to(at::kFloat)).covariance()) < 1e-11);
  }
  CHECK_THROWS_WITH(weighted_moments(at::ones({3, 2}), at::ones({2}, at::kDouble)), Catch::Contains("weights must be [N]"));
}

TEST_CASE("a weighted kernel with equal weights is the squared MMD", "[metrics]") {
  torch::manual_seed(32);
  const at::Tensor a = randn64({9, 3}), b = randn64({7, 3}) + 0.5;
  const WeightedKernel kernel(a, b);
  const at::Tensor of_a = at::ones({9}, at::kDouble), of_b = at::ones({7}, at::kDouble);
  CHECK(kernel.squared_mmd(of_a, of_b) == Approx(squared_mmd(a, b)).epsilon(1e-12));
  CHECK(kernel.squared_mmd(3 * of_a, 2 * of_b) == Approx(squared_mmd(a, b)).epsilon(1e-12));
  // Rows of weight 0 are not there.
  at::Tensor first = of_a.clone();
  first.slice(0, 5).zero_();
  CHECK(kernel.squared_mmd(first, of_b) == Approx(squared_mmd(a.slice(0, 0, 5), b)).epsilon(1e-12));
}

TEST_CASE("a weighted kernel never pairs a row with itself, nor with its copies", "[metrics]") {
  torch::manual_seed(33);
  const at::Tensor a = randn64({8, 3}), b = randn64({6, 3}) * 1.5;
  at::Tensor of_a = random_counts(8), of_b = random_counts(6);
  of_a[2] = 3;
  of_b[4] = 2;
  const double expected = mean_within(a, of_a) + mean_within(b, of_b) - 2 * mean_between(a, of_a, b, of_b);
  CHECK(WeightedKernel(a, b).squared_mmd(of_a, of_b) == Approx(expected).epsilon(1e-12));
  // Which the estimate of the repeated rows does: it is another figure.
  CHECK(std::abs(squared_mmd(repeated(a, of_a), repeated(b, of_b)) - expected) > 1e-3);
}

TEST_CASE("a weighted inception score is that of rows that occur as often, in one split", "[metrics]") {
  torch::manual_seed(34);
  const at::Tensor logits = randn64({13, 5}) * 3;
  const at::Tensor counts = random_counts(13), others = random_counts(13);
  const at::Tensor scores = weighted_inception_score(logits, at::stack({at::ones({13}, at::kDouble), counts, others, counts * 2}));
  REQUIRE(scores.sizes() == at::IntArrayRef({4}));
  CHECK(scores[0].item<double>() == Approx(inception_score(logits, 1).mean).epsilon(1e-12));
  CHECK(scores[1].item<double>() == Approx(inception_score(repeated(logits, counts), 1).mean).epsilon(1e-12));
  CHECK(scores[2].item<double>() == Approx(inception_score(repeated(logits, others), 1).mean).epsilon(1e-12));
  CHECK(scores[3].item<double>() == Approx(scores[1].item<double>()).epsilon(1e-12));
  CHECK_THROWS_WITH(weighted_inception_score(logits, at::ones({2, 12}, at::kDouble)), Catch::Contains("weights must be [R, N]"));
}
