#include <catch2/catch.hpp>

#include <cmath>

#include "numeric.hpp"
#include "secgan/ops/semantic_consistency.hpp"
#include "secgan/ops/soft_cross_entropy.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

/// -(1/NHW) sum_{n,h,w} sum_k t log p, one scalar at a time.
double slow_cross_entropy(const at::Tensor& probabilities, const at::Tensor& target) {
  const auto p = probabilities.accessor<double, 4>();
  const auto t = target.accessor<double, 4>();
  double sum = 0;
  for (int64_t n = 0; n < p.size(0); ++n)
    for (int64_t h = 0; h < p.size(2); ++h)
      for (int64_t w = 0; w < p.size(3); ++w)
        for (int64_t k = 0; k < p.size(1); ++k) sum -= t[n][k][h][w] * std::log(p[n][k][h][w]);
  return sum / static_cast<double>(p.size(0) * p.size(2) * p.size(3));
}

at::Tensor one_hot_of_argmax(const at::Tensor& probabilities) {
  return at::zeros_like(probabilities).scatter(1, probabilities.argmax(1, true), 1.0);
}

}  // namespace

TEST_CASE("soft cross-entropy equals the sum written out", "[ops]") {
  torch::manual_seed(1);
  const at::Tensor logits = randn64({2, 5, 3, 4});
  const at::Tensor target = randn64({2, 5, 3, 4}).softmax(1);
  CHECK(soft_cross_entropy(logits, target).item<double>() == Approx(slow_cross_entropy(logits.softmax(1), target)).epsilon(1e-12));
}

TEST_CASE("soft cross-entropy of equal logits is log K, whatever the target", "[ops]") {
  torch::manual_seed(2);
  const at::Tensor target = randn64({2, 12, 4, 4}).softmax(1);
  CHECK(soft_cross_entropy(at::zeros({2, 12, 4, 4}, at::kDouble), target).item<double>() == Approx(std::log(12.0)).epsilon(1e-12));
}

TEST_CASE("soft cross-entropy has the closed-form gradient (softmax - target) / NHW and a right second derivative", "[ops]") {
  torch::manual_seed(3);
  const at::Tensor logits = randn64({2, 3, 2, 2});
  const at::Tensor target = randn64({2, 3, 2, 2}).softmax(1);
  const auto f = [&](const at::Tensor& x) { return soft_cross_entropy(x, target); };
  CHECK(max_difference(analytic_gradient(f, logits), (logits.softmax(1) - target) / 8.0) < 1e-14);
  const at::Tensor direction = randn64({2, 3, 2, 2});
  CHECK(max_difference(analytic_hessian_product(f, logits, direction), numeric_hessian_product(f, logits, direction)) < 1e-9);
}

TEST_CASE("semantic consistency equals the sums written out, for hard and soft targets", "[ops]") {
  torch::manual_seed(4);
  const at::Tensor image = randn64({2, 4, 3, 3}).log_softmax(1);
  const at::Tensor mask = randn64({2, 4, 3, 3}).log_softmax(1);
  for (const bool hard : {true, false}) {
    const auto [image_term, mask_term] = semantic_consistency(image, mask, hard ? ConsistencyTarget::kHard : ConsistencyTarget::kSoft);
    const auto target = [&](const at::Tensor& log_probs) { return hard ? one_hot_of_argmax(log_probs.exp()) : log_probs.exp(); };
    CHECK(image_term.item<double>() == Approx(slow_cross_entropy(image.exp(), target(mask))).epsilon(1e-12));
    CHECK(mask_term.item<double>() == Approx(slow_cross_entropy(mask.exp(), target(image))).epsilon(1e-12));
  }
}

TEST_CASE("each consistency term trains its own side only, unless the target is straight-through", "[ops]") {
  torch::manual_seed(5);
  for (const auto& [name, target] : kConsistencyTargets) {
    const at::Tensor image_logits = randn64({1, 4, 2, 2}).requires_grad_(true);
    const at::Tensor mask_logits = randn64({1, 4, 2, 2}).requires_grad_(true);
    const auto [image_term, mask_term] = semantic_consistency(image_logits.log_softmax(1), mask_logits.log_softmax(1), target);
    const auto gradient = torch::autograd::grad({image_term}, {image_logits, mask_logits}, {}, true, false, true);
    INFO(name);
    CHECK(gradient[0].abs().max().item<double>() > 1e-3);
    if (target == ConsistencyTarget::kStraightThrough) {
      // d/d mask of -sum p_mask log p_image: the gradient that the soft target would have had.
      const at::Tensor soft = -(mask_logits.softmax(1) * image_logits.log_softmax(1).detach()).sum(1).mean();
      CHECK(max_difference(gradient[1], torch::autograd::grad({soft}, {mask_logits})[0]) < 1e-12);
    } else {
      CHECK(!gradient[1].defined());
    }
  }
}

TEST_CASE("consistency has right first and second derivatives", "[ops]") {
  torch::manual_seed(6);
  const at::Tensor logits = randn64({1, 3, 2, 2});
  const at::Tensor mask = randn64({1, 3, 2, 2}).log_softmax(1);
  const at::Tensor direction = randn64({1, 3, 2, 2});
  for (const auto& [name, target] : kConsistencyTargets) {
    INFO(name);
    const auto f = [&, t = target](const at::Tensor& x) { return std::get<0>(semantic_consistency(x.log_softmax(1), mask, t)); };
    CHECK(max_difference(analytic_gradient(f, logits), numeric_gradient(f, logits)) < 1e-8);
    CHECK(max_difference(analytic_hessian_product(f, logits, direction), numeric_hessian_product(f, logits, direction)) < 1e-8);
  }
}

TEST_CASE("an empty batch costs nothing and keeps its graph", "[ops]") {
  const at::Tensor empty = at::zeros({0, 4, 2, 2}, at::kDouble).requires_grad_(true);
  const auto [image_term, mask_term] = semantic_consistency(empty, empty);
  CHECK(image_term.item<double>() == 0.0);
  CHECK(mask_term.item<double>() == 0.0);
  CHECK(soft_cross_entropy(empty, empty).item<double>() == 0.0);
  CHECK(image_term.requires_grad());
}

TEST_CASE("shape errors name the argument and both shapes", "[ops]") {
  const at::Tensor a = at::zeros({1, 4, 2, 2});
  CHECK_THROWS_WITH(soft_cross_entropy(at::zeros({4, 2}), a), Catch::Contains("logits must be [N, K, H, W]") && Catch::Contains("[4, 2]"));
  CHECK_THROWS_WITH(semantic_consistency(a, at::zeros({1, 3, 2, 2})),
                    Catch::Contains("image_log_probs and mask_log_probs") && Catch::Contains("[1, 3, 2, 2]"));
}

TEST_CASE("the ops are in the dispatcher and equal the C++ functions", "[ops]") {
  torch::manual_seed(7);
  const at::Tensor image = randn64({1, 4, 2, 2}).log_softmax(1);
  const at::Tensor mask = randn64({1, 4, 2, 2}).log_softmax(1);
  const auto op = c10::Dispatcher::singleton()
                      .findSchemaOrThrow("secgan::semantic_consistency", "")
                      .typed<std::tuple<at::Tensor, at::Tensor>(const at::Tensor&, const at::Tensor&, c10::string_view)>();
  CHECK(std::get<1>(op.call(image, mask, "soft")).item<double>() ==
        std::get<1>(semantic_consistency(image, mask, ConsistencyTarget::kSoft)).item<double>());
  CHECK_THROWS_WITH(op.call(image, mask, "warm"), Catch::Contains("target 'warm' is unknown; known: hard, soft"));
}
