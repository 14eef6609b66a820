#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "numeric.hpp"
#include "secgan/core/error.hpp"
#include "secgan/metrics/structural_similarity.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

/// One window after the other, with the weights written out in two dimensions.
double slow_similarity(const at::Tensor& a, const at::Tensor& b) {
  at::Tensor weights = torch::empty({11, 11}, torch::kFloat64);
  for (int64_t i = 0; i < 11; ++i) {
    for (int64_t j = 0; j < 11; ++j) weights[i][j] = std::exp(-static_cast<double>((i - 5) * (i - 5) + (j - 5) * (j - 5)) / 4.5);
  }
  weights /= weights.sum().item<double>();
  double sum = 0;
  int64_t windows = 0;
  for (int64_t c = 0; c < a.size(0); ++c) {
    for (int64_t y = 0; y + 11 <= a.size(1); ++y) {
      for (int64_t x = 0; x + 11 <= a.size(2); ++x, ++windows) {
        const auto window = [&](const at::Tensor& t) { return t[c].slice(0, y, y + 11).slice(1, x, x + 11); };
        const at::Tensor p = window(a), q = window(b);
        const auto mean = [&](const at::Tensor& t) { return (weights * t).sum().item<double>(); };
        const double mp = mean(p), mq = mean(q), vp = mean((p - mp).square()), vq = mean((q - mq).square()),
                     cov = mean((p - mp) * (q - mq));
        sum += (2 * mp * mq + 4e-4) * (2 * cov + 3.6e-3) / ((mp * mp + mq * mq + 4e-4) * (vp + vq + 3.6e-3));
      }
    }
  }
  return sum / static_cast<double>(windows);
}

}  // namespace

TEST_CASE("structural similarity is its definition, per image", "[metrics]") {
  torch::manual_seed(16);
  const at::Tensor a = torch::rand({2, 3, 13, 15}, torch::kFloat64) * 2 - 1, b = (a + 0.3 * randn64({2, 3, 13, 15})).clamp(-1, 1);
  const at::Tensor values = structural_similarity(a, b);
  REQUIRE(values.sizes() == at::IntArrayRef({2}));
  for (int64_t i = 0; i < 2; ++i) CHECK(values[i].item<double>() == Approx(slow_similarity(a[i], b[i])).epsilon(1e-12));
  CHECK(max_difference(structural_similarity(b, a), values) < 1e-14);
  CHECK(max_difference(structural_similarity(a, a), torch::ones({2})) < 1e-12);
}

TEST_CASE("structural similarity of constant images has a closed form", "[metrics]") {
  const at::Tensor a = torch::full({1, 1, 11, 11}, 0.5), b = torch::full({1, 1, 11, 11}, -0.25);
  CHECK(structural_similarity(a, b)[0].item<double>() == Approx((2 * 0.5 * -0.25 + 4e-4) / (0.25 + 0.0625 + 4e-4)).epsilon(1e-9));
}

TEST_CASE("structural similarity has a gradient", "[metrics]") {
  torch::manual_seed(17);
  const at::Tensor b = torch::rand({1, 1, 12, 12}, torch::kFloat64) - 0.5, x = torch::rand({1, 1, 12, 12}, torch::kFloat64) - 0.5;
  const ScalarFunction f = [&](const at::Tensor& a) { return structural_similarity(a, b).sum(); };
  CHECK(max_difference(analytic_gradient(f, x), numeric_gradient(f, x)) < 1e-8);
}

TEST_CASE("images of another kind are refused", "[metrics]") {
  const at::Tensor a = torch::zeros({1, 1, 12, 12});
  CHECK_THROWS_WITH(structural_similarity(a, torch::zeros({1, 1, 12, 13})), Catch::Contains("a and b must have the same shape"));
  CHECK_THROWS_WITH(structural_similarity(torch::zeros({1, 1, 12, 10}), torch::zeros({1, 1, 12, 10})),
                    Catch::Contains("at least 11 by 11 pixels, found 12 by 10"));
  CHECK_THROWS_WITH(structural_similarity(a, a.to(at::kByte)), Catch::Contains("b must be floating point in [-1, 1], found uint8"));
  CHECK_THROWS_WITH(structural_similarity(a, a + 255), Catch::Contains("b must lie in [-1, 1], found 255"));
}
