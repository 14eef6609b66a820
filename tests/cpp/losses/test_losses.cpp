#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "numeric.hpp"
#include "secgan/losses/adversarial.hpp"
#include "secgan/losses/attribute.hpp"
#include "secgan/losses/consistency.hpp"
#include "secgan/losses/non_saturating.hpp"
#include "secgan/losses/objective.hpp"
#include "secgan/losses/reconstruction.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

/// A critic with a known gradient: D(x) = sum a x + b/2 sum x^2, so grad D = a + b x.
struct QuadraticCritic {
  at::Tensor a;
  at::Tensor b;
  Scores operator()(const at::Tensor& x) const {
    return {(a * x + 0.5 * b * x * x).flatten(1).sum(1, true), at::zeros({x.size(0), 1}, x.options())};
  }
};

DiscriminatorPass penalty_pass(const QuadraticCritic& critic, const at::Tensor& x) {
  DiscriminatorPass pass;
  pass.interpolate = x.detach().clone().requires_grad_(true);
  pass.interpolate_scores = critic(pass.interpolate);
  return pass;
}

}  // namespace

TEST_CASE("adversarial terms have opposite signs on fakes", "[losses]") {
  GanPass generator;
  generator.edit_scores.adversarial = torch::tensor({{1.0}, {4.0}});
  CHECK(Adversarial{}(generator).item<double>() == Approx(-2.5));
  DiscriminatorPass discriminator;
  discriminator.fake_scores.adversarial = torch::tensor({{1.0}, {4.0}});
  discriminator.real_scores.adversarial = torch::tensor({{7.0}, {9.0}});
  CHECK(Wasserstein{}(discriminator).item<double>() == Approx(2.5 - 8.0));
}

TEST_CASE("interpolates lie on the segment and weight 1 is the fake", "[losses]") {
  const at::Tensor real = at::zeros({3, 1, 2, 2});
  const at::Tensor fake = at::ones({3, 1, 2, 2});
  const at::Tensor mixed = interpolate(real, fake, torch::tensor({0.0f, 0.25f, 1.0f}).view({3, 1, 1, 1}));
  CHECK(mixed.requires_grad());
  CHECK(mixed[0].max().item<float>() == 0.0f);
  CHECK(mixed[1].min().item<float>() == 0.25f);
  CHECK(mixed[2].min().item<float>() == 1.0f);
}

TEST_CASE("gradient penalty equals (norm - 1)^2 per image for a critic with a known gradient", "[losses]") {
  torch::manual_seed(1);
  const QuadraticCritic critic{randn64({2, 3, 3}), randn64({2, 3, 3})};
  const at::Tensor x = randn64({4, 2, 3, 3});
  double expected = 0;
  for (int64_t i = 0; i < 4; ++i) {
    const double norm = (critic.a + critic.b * x[i]).norm().item<double>();
    expected += (norm - 1) * (norm - 1) / 4;
  }
  CHECK(GradientPenalty{}(penalty_pass(critic, x)).item<double>() == Approx(expected).epsilon(1e-10));
}

TEST_CASE("gradient penalty trains the critic: its gradient in the critic's weights is right to second order", "[losses]") {
  torch::manual_seed(2);
  const at::Tensor x = randn64({3, 1, 2, 2});
  const at::Tensor b = randn64({1, 2, 2});
  const at::Tensor a = randn64({1, 2, 2});
  const at::Tensor direction = randn64({1, 2, 2});
  const auto f = [&](const at::Tensor& weight) { return GradientPenalty{}(penalty_pass({a, weight}, x)); };
  CHECK(max_difference(analytic_gradient(f, b), numeric_gradient(f, b)) < 1e-7);
  CHECK(max_difference(analytic_hessian_product(f, b, direction), numeric_hessian_product(f, b, direction)) < 1e-7);
}

TEST_CASE("gradient penalty of a flat critic is 1 with a finite gradient", "[losses]") {
  const at::Tensor weight = at::zeros({1, 2, 2}, at::kDouble).requires_grad_(true);
  const at::Tensor penalty =
      GradientPenalty{}(penalty_pass({weight, at::zeros({1, 2, 2}, at::kDouble)}, at::zeros({2, 1, 2, 2}, at::kDouble)));
  CHECK(penalty.item<double>() == Approx(1.0).epsilon(1e-5));
  CHECK(torch::autograd::grad({penalty}, {weight})[0].isfinite().all().item<bool>());
}

TEST_CASE("non-saturating terms are the logarithms of probabilities", "[losses]") {
  torch::manual_seed(6);
  const at::Tensor fake = randn64({5, 1}) * 3, real = randn64({5, 1}) * 3;
  GanPass generator;
  generator.edit_scores.adversarial = fake;
  CHECK(NonSaturating{}(generator).item<double>() == Approx(-fake.sigmoid().log().mean().item<double>()).epsilon(1e-12));
  DiscriminatorPass discriminator;
  discriminator.fake_scores.adversarial = fake;
  discriminator.real_scores.adversarial = real;
  const at::Tensor expected = -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean();
  CHECK(Logistic{}(discriminator).item<double>() == Approx(expected.item<double>()).epsilon(1e-12));
}

TEST_CASE("R1 is half the squared gradient on real images, and trains the critic to second order", "[losses]") {
  torch::manual_seed(7);
  const at::Tensor x = randn64({4, 2, 3, 3}), a = randn64({2, 3, 3}), b = randn64({2, 3, 3}), direction = randn64({2, 3, 3});
  const auto f = [&](const at::Tensor& weight) {
    DiscriminatorPass pass;
    pass.real = x.detach().clone().requires_grad_(true);
    pass.real_scores = QuadraticCritic{a, weight}(pass.real);
    return R1Penalty{}(pass);
  };
  CHECK(f(b).item<double>() == Approx((a + b * x).square().sum().item<double>() / 8).epsilon(1e-12));
  CHECK(max_difference(analytic_gradient(f, b), ((a + b * x) * x).sum(0) / 4) < 1e-12);
  CHECK(max_difference(analytic_hessian_product(f, b, direction), numeric_hessian_product(f, b, direction)) < 1e-7);
}

TEST_CASE("attribute terms are the mean cross-entropy of source and target labels", "[losses]") {
  torch::manual_seed(3);
  const at::Tensor logits = randn64({3, 2}) * 3;
  const at::Tensor labels = torch::tensor({{0.0, 1.0}, {1.0, 1.0}, {0.0, 0.0}}, at::kDouble);
  double expected = 0;
  for (int64_t i = 0; i < 3; ++i) {
    for (int64_t j = 0; j < 2; ++j) {
      const double p = 1 / (1 + std::exp(-logits[i][j].item<double>()));
      expected -= (labels[i][j].item<double>() > 0 ? std::log(p) : std::log(1 - p)) / 6;
    }
  }
  GanPass generator;
  generator.edit_scores.attribute_logits = logits;
  generator.target = labels;
  CHECK(AttributeRecognition{}(generator).item<double>() == Approx(expected).epsilon(1e-12));
  // Of a classifier's judgment, whatever D's head says.
  generator.edit_scores.attribute_logits = -logits;
  generator.classifier_logits = logits;
  CHECK(ClassifierRecognition{}(generator).item<double>() == Approx(expected).epsilon(1e-12));
  generator.classifier_target = logits.sigmoid();  // what it says already: nothing pulls
  const auto recognized = [&](const at::Tensor& z) {
    GanPass pass = generator;
    pass.classifier_logits = z;
    return ClassifierRecognition{}(pass);
  };
  CHECK(analytic_gradient(recognized, logits).abs().max().item<double>() < 1e-14);
  CHECK(max_difference(analytic_gradient(recognized, logits + 1), ((logits + 1).sigmoid() - logits.sigmoid()) / 6) < 1e-14);
  DiscriminatorPass discriminator;
  discriminator.real_scores.attribute_logits = logits;
  discriminator.fake_scores.attribute_logits = -logits;
  discriminator.source = labels;
  CHECK(SourceRecognition{}(discriminator).item<double>() == Approx(expected).epsilon(1e-12));
  const auto f = [&](const at::Tensor& z) { return attribute_cross_entropy(z, labels); };
  const at::Tensor direction = randn64({3, 2});
  CHECK(max_difference(analytic_gradient(f, logits), (logits.sigmoid() - labels) / 6) < 1e-14);
  CHECK(max_difference(analytic_hessian_product(f, logits, direction), numeric_hessian_product(f, logits, direction)) < 1e-9);
  CHECK_THROWS_WITH(attribute_cross_entropy(logits, labels.narrow(1, 0, 1)), Catch::Contains("attribute_logits and labels"));

  // Rows whose labels are not known count nothing, in value and gradient.
  const at::Tensor labeled = torch::tensor({true, false, true}), rows = torch::tensor({0, 2});
  const auto of_some = [&](const at::Tensor& z) { return attribute_cross_entropy(z, labels, labeled); };
  CHECK(of_some(logits).item<double>() ==
        Approx(attribute_cross_entropy(logits.index_select(0, rows), labels.index_select(0, rows)).item<double>()).epsilon(1e-12));
  CHECK(max_difference(analytic_gradient(of_some, logits), (logits.sigmoid() - labels) * labeled.unsqueeze(1) / 4) < 1e-14);
  CHECK(attribute_cross_entropy(logits, labels, torch::zeros({3}, at::kBool)).item<double>() == 0);
  CHECK_THROWS_WITH(attribute_cross_entropy(logits, labels, labeled.narrow(0, 0, 2)), Catch::Contains("labeled"));
}

TEST_CASE("reconstruction of photos is the mean absolute error, of masks the soft cross-entropy", "[losses]") {
  torch::manual_seed(4);
  GanPass pass;
  pass.input = randn64({2, 3, 2, 2});
  const at::Tensor output = randn64({2, 3, 2, 2});
  const auto run = [&](const auto& term, const at::Tensor& reconstruction) {
    pass.reconstruction = reconstruction;
    return term(pass);
  };
  CHECK(run(Reconstruction{}, output).item<double>() == Approx((pass.input - output).abs().sum().item<double>() / 24).epsilon(1e-12));
  const auto l1 = [&](const at::Tensor& x) { return run(Reconstruction{}, x); };
  CHECK(max_difference(analytic_gradient(l1, output), numeric_gradient(l1, output)) < 1e-8);
  pass.input = pass.input.softmax(1);
  const double by_hand = -(pass.input * output.softmax(1).log()).sum().item<double>() / 8;
  CHECK(run(MaskReconstruction{}, output).item<double>() == Approx(by_hand).epsilon(1e-12));
  CHECK_THROWS_WITH(run(Reconstruction{}, output.narrow(0, 0, 1)), Catch::Contains("reconstruction and input"));
}

TEST_CASE("the consistency term follows its own side", "[losses]") {
  torch::manual_seed(5);
  ConsistencyPass pass;
  pass.log_probs = randn64({1, 3, 2, 2}).log_softmax(1);
  pass.counterpart_log_probs = randn64({1, 3, 2, 2}).log_softmax(1);
  CHECK(SemanticConsistency{}(pass).item<double>() ==
        std::get<0>(semantic_consistency(pass.log_probs, pass.counterpart_log_probs)).item<double>());
  CHECK(SemanticConsistency{ConsistencyTarget::kSoft}(pass).item<double>() ==
        std::get<0>(semantic_consistency(pass.log_probs, pass.counterpart_log_probs, ConsistencyTarget::kSoft)).item<double>());
}

TEST_CASE("an objective weighs its terms, reports them unweighted and skips those of weight 0", "[losses]") {
  GeneratorPass pass;
  pass.edit_scores.adversarial = torch::tensor({{2.0}}).requires_grad_(true);
  pass.input = at::zeros({1, 1, 1, 1});
  pass.reconstruction = at::full({1, 1, 1, 1}, 0.5);
  // The consistency term would throw: the pass has no segmentations.
  const auto objective = 3.0 * Adversarial{} + 100.0 * Reconstruction{} + 0.0 * SemanticConsistency{};
  const LossReport report = objective(pass);
  CHECK(report.total.item<double>() == Approx(3.0 * -2.0 + 100.0 * 0.5));
  CHECK(report["adversarial"] == Approx(-2.0));
  CHECK(report["reconstruction"] == Approx(0.5));
  CHECK(report.total.requires_grad());
  CHECK_FALSE(report.terms[0].second.requires_grad());
  CHECK_THROWS_WITH(report["semantic_consistency"], Catch::Contains("known: adversarial, reconstruction"));
  CHECK_THROWS_WITH((0.0 * Adversarial{})(pass), Catch::Contains("nothing to minimize"));
}
