#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <algorithm>

#include "numeric.hpp"
#include "secgan/core/error.hpp"
#include "secgan/metrics/bootstrap.hpp"

using namespace secgan;
using namespace secgan::testing;

TEST_CASE("resamples have as many photos as the set, drawn evenly, from the seed alone", "[metrics]") {
  const Bootstrap bootstrap(30, 400, 5);
  const at::Tensor& weights = bootstrap.weights();
  REQUIRE(weights.sizes() == at::IntArrayRef({400, 30}));
  CHECK(at::equal(weights.sum(1), torch::full({400}, 30.0, torch::kFloat64)));
  CHECK(at::equal(weights, weights.round()));
  // Counts of a photo are binomial: mean 1, variance 29/30; a tenth of that is four standard errors.
  CHECK(max_difference(weights.mean(0), torch::ones({30})) < 4 * std::sqrt(29.0 / 30 / 400));
  CHECK(std::abs(weights.var().item<double>() - 29.0 / 30) < 0.1);
  torch::manual_seed(0);
  CHECK(at::equal(weights, Bootstrap(30, 400, 5).weights()));
  CHECK_FALSE(at::equal(weights, Bootstrap(30, 400, 6).weights()));
}

TEST_CASE("figures and their percentiles are those of a slow loop", "[metrics]") {
  torch::manual_seed(18);
  constexpr int64_t kPhotos = 12, kAttributes = 3, kResamples = 101;
  const Bootstrap bootstrap(kPhotos, kResamples, 1, 0.9);
  at::Tensor below = torch::randint(0, 3, {kPhotos, kAttributes}).to(at::kDouble);
  below.select(1, 2).zero_();
  below[4][2] = 2;  // in one photo only: resamples without it have two attributes
  const at::Tensor above = at::floor(torch::rand({kPhotos, kAttributes}, torch::kFloat64) * (below + 1));

  const auto figure = [&](const at::Tensor& weights) {
    double sum = 0;
    int64_t attributes = 0;
    for (int64_t a = 0; a < kAttributes; ++a) {
      double n = 0, d = 0;
      for (int64_t i = 0; i < kPhotos; ++i) {
        n += (weights[i] * above[i][a]).item<double>();
        d += (weights[i] * below[i][a]).item<double>();
      }
      if (d == 0) continue;
      sum += n / d;
      ++attributes;
    }
    return sum / static_cast<double>(attributes);
  };
  std::vector<double> values;
  for (int64_t r = 0; r < kResamples; ++r) values.push_back(figure(bootstrap.weights()[r]));
  std::sort(values.begin(), values.end());
  const Interval interval = bootstrap.mean_ratio(above, below);
  CHECK(interval.value == Approx(figure(torch::ones({kPhotos}))).epsilon(1e-12));
  CHECK(interval.low == Approx(values[5]).epsilon(1e-12));  // 5 % of 100 steps
  CHECK(interval.high == Approx(values[95]).epsilon(1e-12));
  CHECK(interval.count == (below.sum(1) > 0).sum().item<int64_t>());
  for (int64_t r : {0, 50, 100}) CHECK(interval.resampled[r].item<double>() == Approx(figure(bootstrap.weights()[r])).epsilon(1e-12));

  const Interval ratio = bootstrap.ratio(above.select(1, 0), below.select(1, 0));
  CHECK(ratio.value == Approx((above.select(1, 0).sum() / below.select(1, 0).sum()).item<double>()));
  const Interval mean = bootstrap.mean(above.select(1, 0));
  CHECK(mean.value == Approx(above.select(1, 0).mean().item<double>()));
  const at::Tensor means = std::get<0>((bootstrap.weights().mv(above.select(1, 0)) / kPhotos).sort());
  CHECK(mean.low == Approx(means[5].item<double>()));
  CHECK(mean.count == kPhotos);
}

TEST_CASE("percentiles lie between neighbors, and what a resample lacks is left out", "[metrics]") {
  const Bootstrap bootstrap(2, 5, 0, 0.5);
  const double none = std::nan("");
  const Interval whole = bootstrap.interval(7, torch::tensor({4.0, 1.0, 2.0, 3.0, 0.0}), 2);
  CHECK(whole.low == 1);
  CHECK(whole.high == 3);
  const Interval part = bootstrap.interval(7, torch::tensor({none, 1.0, none, 2.0, none}), 2);
  CHECK(part.value == 7);
  CHECK(part.low == Approx(1.25));
  CHECK(part.high == Approx(1.75));
  CHECK(std::isnan(bootstrap.interval(7, torch::full({5}, none), 0).low));
  CHECK(std::isnan(bootstrap.ratio(torch::zeros({2}), torch::zeros({2})).value));
  CHECK(bootstrap.ratio(torch::zeros({2}), torch::tensor({0.0, 1.0})).count == 1);
}

TEST_CASE("95 % intervals hold the true value about 95 times in 100", "[metrics]") {
  torch::manual_seed(19);
  constexpr int kTries = 400, kPhotos = 80;
  int mean_holds = 0, ratio_holds = 0;
  for (int i = 0; i < kTries; ++i) {
    const Bootstrap bootstrap(kPhotos, 400, static_cast<uint64_t>(i));
    const Interval mean = bootstrap.mean(randn64({kPhotos}) * 3 + 1);
    mean_holds += mean.low <= 1 && 1 <= mean.high;
    // Photos with one to four edits each, every edit right with a chance of 0.7.
    const at::Tensor edits = torch::randint(1, 5, {kPhotos}).to(at::kDouble);
    const at::Tensor right =
        torch::rand({kPhotos, 4}, torch::kFloat64).lt(0.7).logical_and(torch::arange(4).unsqueeze(0) < edits.unsqueeze(1)).sum(1);
    const Interval ratio = bootstrap.ratio(right, edits);
    ratio_holds += ratio.low <= 0.7 && 0.7 <= ratio.high;
  }
  // Binomial with 0.95: standard deviation 1.1 %; percentile intervals of 80 photos are a little narrow.
  for (const int holds : {mean_holds, ratio_holds}) {
    CHECK(holds >= 0.90 * kTries);
    CHECK(holds <= 0.985 * kTries);
  }
}

TEST_CASE("a bootstrap of nothing is refused", "[metrics]") {
  CHECK_THROWS_AS(Bootstrap(0, 10, 0), InvalidArgument);
  CHECK_THROWS_AS(Bootstrap(10, 0, 0), InvalidArgument);
  CHECK_THROWS_AS(Bootstrap(10, 10, 0, 1.0), InvalidArgument);
  const Bootstrap bootstrap(3, 10, 0);
  CHECK_THROWS_WITH(bootstrap.mean(torch::zeros({4})), Catch::Contains("values must be [N] with dimension 0 = 3"));
  CHECK_THROWS_WITH(bootstrap.mean(torch::zeros({3}) / 0), Catch::Contains("must be finite"));
  CHECK_THROWS_WITH(bootstrap.mean_ratio(torch::zeros({3, 2}), torch::zeros({3, 1})), Catch::Contains("same shape"));
  CHECK_THROWS_WITH(bootstrap.interval(0, torch::zeros({3}), 3), Catch::Contains("resampled must be [R]"));
}
