#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "numeric.hpp"
#include "secgan/core/error.hpp"
#include "secgan/metrics/inception_score.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

/// The definition, in plain loops over probabilities.
double slow(const at::Tensor& logits) {
  const at::Tensor p = logits.softmax(1);
  const int64_t n = p.size(0), k = p.size(1);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t c = 0; c < k; ++c) {
      double marginal = 0;
      for (int64_t j = 0; j < n; ++j) marginal += p[j][c].item<double>() / static_cast<double>(n);
      sum += p[i][c].item<double>() * (std::log(p[i][c].item<double>()) - std::log(marginal));
    }
  }
  return std::exp(sum / static_cast<double>(n));
}

}  // namespace

TEST_CASE("the inception score is its definition, split by split", "[metrics]") {
  torch::manual_seed(15);
  const at::Tensor logits = randn64({11, 4}) * 3;
  const MeanDeviation score = inception_score(logits, 3);
  const double a = slow(logits.slice(0, 0, 3)), b = slow(logits.slice(0, 3, 7)), c = slow(logits.slice(0, 7, 11));
  const double mean = (a + b + c) / 3;
  CHECK(score.mean == Approx(mean).epsilon(1e-12));
  CHECK(score.deviation == Approx(std::sqrt((std::pow(a - mean, 2) + std::pow(b - mean, 2) + std::pow(c - mean, 2)) / 3)).epsilon(1e-10));
  CHECK(inception_score(logits, 1).mean == Approx(slow(logits)).epsilon(1e-12));
  CHECK(inception_score(logits, 1).deviation == 0);
}

TEST_CASE("the inception score reaches from 1 to the number of classes, without overflow", "[metrics]") {
  CHECK(inception_score(torch::full({8, 5}, 0.3), 2).mean == Approx(1).epsilon(1e-12));
  // Certain of each class in turn; probabilities of the others underflow to 0, and of the last class in every row.
  const at::Tensor certain = at::cat({torch::eye(5).repeat({4, 1}) * 4000, torch::full({20, 1}, -4000.0)}, 1);
  CHECK(inception_score(certain, 2).mean == Approx(5).epsilon(1e-12));
}

TEST_CASE("logits that cannot be scored are refused", "[metrics]") {
  CHECK_THROWS_WITH(inception_score(torch::zeros({3, 2}), 4), Catch::Contains("found 3 for 4"));
  CHECK_THROWS_WITH(inception_score(torch::zeros({3, 2}), 0), Catch::Contains("splits"));
  CHECK_THROWS_WITH(inception_score(torch::zeros({3}), 1), Catch::Contains("logits must be [N, K]"));
  CHECK_THROWS_WITH(inception_score(torch::zeros({3, 2}) / 0, 1), Catch::Contains("must be finite"));
}
