#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "numeric.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/npz.hpp"
#include "secgan/metrics/feature_statistics.hpp"
#include "statistics_of.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;

TEST_CASE("mean and covariance are those of the definition", "[metrics]") {
  torch::manual_seed(3);
  const at::Tensor x = randn64({17, 4}) * 2 + 1;
  const FeatureStatistics statistics = statistics_of(x);
  CHECK(statistics.count() == 17);
  CHECK(max_difference(statistics.mean(), x.mean(0)) < 1e-13);
  const at::Tensor covariance = statistics.covariance();
  for (int64_t i = 0; i < 4; ++i) {
    for (int64_t j = 0; j < 4; ++j) {
      double sum = 0;
      for (int64_t n = 0; n < 17; ++n) sum += ((x[n][i] - x.select(1, i).mean()) * (x[n][j] - x.select(1, j).mean())).item<double>();
      CHECK(covariance[i][j].item<double>() == Approx(sum / 16).margin(1e-13));
    }
  }
  CHECK(at::equal(covariance, covariance.t()));
}

TEST_CASE("batches, order and merging change nothing", "[metrics]") {
  torch::manual_seed(4);
  const at::Tensor x = torch::randn({23, 5});  // float32 in, float64 inside
  const FeatureStatistics whole = statistics_of(x);
  FeatureStatistics batches(5), shuffled = statistics_of(x.index_select(0, torch::randperm(23)));
  for (const at::Tensor& batch : x.split(4)) batches.update(batch);
  batches.update(x.slice(0, 0, 0));
  for (const int64_t cut : {0, 1, 11, 22, 23}) {
    FeatureStatistics merged = statistics_of(x.slice(0, 0, cut));
    merged.merge(statistics_of(x.slice(0, cut)));
    CHECK(merged.count() == 23);
    CHECK(max_difference(merged.mean(), whole.mean()) < 1e-14);
    CHECK(max_difference(merged.covariance(), whole.covariance()) < 1e-14);
  }
  for (const FeatureStatistics* other : {&batches, &shuffled}) {
    CHECK(max_difference(other->covariance(), whole.covariance()) < 1e-14);
  }
  batches.reset();
  batches.update(x);
  CHECK(at::equal(batches.covariance(), whole.covariance()));
}

TEST_CASE("a large mean costs the digits that the header says", "[metrics]") {
  torch::manual_seed(5);
  const at::Tensor x = randn64({1000, 2});
  // Mean squared 1e8 times the variance: 8 of 16 digits are left.
  CHECK(max_difference(statistics_of(x + 1e4).covariance(), statistics_of(x).covariance()) < 1e-6);
}

TEST_CASE("wrong features are refused and leave the statistics as they were", "[metrics]") {
  FeatureStatistics statistics(3);
  CHECK_THROWS_AS(statistics.mean(), InvalidArgument);
  statistics.update(torch::ones({1, 3}));
  CHECK_THROWS_WITH(statistics.covariance(), "at least 2 samples are needed, found 1");
  CHECK_THROWS_WITH(statistics.update(torch::ones({2, 4})), Catch::Contains("features must be [N, D]"));
  CHECK_THROWS_WITH(statistics.update(torch::ones({2, 3}, at::kByte)), Catch::Contains("floating"));
  for (const double value : {std::nan(""), double{INFINITY}}) {
    at::Tensor x = torch::ones({2, 3});
    x[1][1] = value;
    CHECK_THROWS_WITH(statistics.update(x), "features must be finite everywhere");
  }
  CHECK_THROWS_WITH(statistics.merge(FeatureStatistics(2)), Catch::Contains("3 dimensions") && Catch::Contains("2"));
  CHECK_THROWS_AS(FeatureStatistics(0), InvalidArgument);
  CHECK(statistics.count() == 1);
}

TEST_CASE("saved moments are read back and continued", "[metrics]") {
  torch::manual_seed(6);
  const TemporaryFolder folder;
  const at::Tensor x = randn64({9, 3}), y = randn64({7, 3});
  save_moments(folder / "x.npz", statistics_of(x).moments());
  const GaussianMoments read = load_moments(folder / "x.npz");
  CHECK(at::equal(read.covariance, statistics_of(x).covariance()));
  CHECK(read.count == 9);
  FeatureStatistics continued(read);
  continued.update(y);
  const FeatureStatistics whole = statistics_of(at::cat({x, y}));
  CHECK(continued.count() == 16);
  CHECK(max_difference(continued.mean(), whole.mean()) < 1e-14);
  CHECK(max_difference(continued.covariance(), whole.covariance()) < 1e-14);
}

TEST_CASE("files of pytorch-fid are read for comparison only, float32 as well", "[metrics]") {
  const TemporaryFolder folder;
  const auto file = [&](const NamedTensors& arrays) { return folder.write("s.npz", encode_npz(arrays)); };
  const at::Tensor mu = torch::tensor({1.0, 2.0}), sigma = torch::eye(2);
  const GaussianMoments read = load_moments(file({{"mu", mu}, {"sigma", sigma}}));
  CHECK(read.mean.scalar_type() == at::kDouble);
  CHECK_FALSE(read.count);
  CHECK_THROWS_WITH(FeatureStatistics(read), Catch::Contains("no count"));

  CHECK_THROWS_WITH(load_moments(file({{"mu", mu}})), Catch::Contains("s.npz") && Catch::Contains("no array 'sigma'"));
  CHECK_THROWS_WITH(load_moments(file({{"mu", mu}, {"sigma", torch::eye(3)}})), Catch::Contains("[2] and [3, 3]"));
  CHECK_THROWS_WITH(load_moments(file({{"mu", mu.to(at::kLong)}, {"sigma", sigma}})), Catch::Contains("'mu' must be float64 or float32"));
  CHECK_THROWS_WITH(load_moments(file({{"mu", mu / 0}, {"sigma", sigma}})), Catch::Contains("not finite"));
  CHECK_THROWS_WITH(load_moments(file({{"mu", mu}, {"sigma", sigma}, {"count", torch::tensor(1.5)}})), Catch::Contains("'count'"));
  CHECK_THROWS_AS(load_moments(folder / "none.npz"), FileNotFound);
  CHECK_THROWS_AS(save_moments(folder / "t.npz", {mu, torch::eye(3), {}}), InvalidArgument);
}
