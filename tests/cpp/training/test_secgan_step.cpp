#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "numeric.hpp"
#include "secgan/training/accumulated.hpp"
#include "secgan/training/secgan_step.hpp"
#include "training/toy.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

using ToyBranch = Branch<std::shared_ptr<ToyGenerator>, std::shared_ptr<ToyDiscriminator>, torch::optim::SGD>;

constexpr int64_t kClasses = 4;

ToyBranch toy_branch(int64_t channels) {
  const auto generator = std::make_shared<ToyGenerator>(channels, 2);
  const auto discriminator = std::make_shared<ToyDiscriminator>(channels, 2);
  return {generator, discriminator, torch::optim::SGD(generator->parameters(), 0.1), torch::optim::SGD(discriminator->parameters(), 0.1)};
}

struct World {
  ToyBranch photo;
  ToyBranch mask;
  ToyParser parser;
  GanBatch batch;
  at::Tensor position = torch::tensor({0.3, 0.8}, at::kDouble);

  World() : photo((torch::manual_seed(1), toy_branch(3))), mask(toy_branch(kClasses)), parser{randn64({kClasses, 3})} {
    batch.photo = randn64({2, 3, 4, 4}).tanh();
    batch.source = torch::tensor({{0.0, 1.0}, {1.0, 0.0}}, at::kDouble);
    batch.target = torch::tensor({{1.0, 1.0}, {0.0, 0.0}}, at::kDouble);
  }
  SecganStep<ToyBranch, ToyBranch, ToyParser> step(SecganStepOptions options = {}) { return {photo, &mask, &parser, options}; }
};

std::vector<at::Tensor> copies(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> out;
  for (const auto& t : tensors) out.push_back(t.detach().clone());
  return out;
}

bool unchanged(const std::vector<at::Tensor>& now, const std::vector<at::Tensor>& before) {
  for (size_t i = 0; i < now.size(); ++i) {
    if (!at::equal(now[i], before[i])) return false;
  }
  return true;
}

/// The paper's table written out once more, independently of passes and terms.
struct ByHand {
  at::Tensor photo, mask;
};
ByHand generator_losses(World& w, const SecganStepOptions& o) {
  const at::Tensor d = o.intensity * (w.batch.target - w.batch.source);
  const at::Tensor zero = at::zeros_like(d);
  const at::Tensor s_in = at::one_hot(w.parser.log_probabilities(w.batch.photo).argmax(1), kClasses).permute({0, 3, 1, 2}).to(at::kDouble);
  const at::Tensor x_out = w.photo.generator->forward(w.batch.photo, d);
  const at::Tensor s_out = w.mask.generator->forward(s_in, d).softmax(1);
  const at::Tensor p = w.parser.log_probabilities(x_out);
  const auto one_hot = [](const at::Tensor& t) { return at::one_hot(t.argmax(1), kClasses).permute({0, 3, 1, 2}).to(at::kDouble); };
  const auto bce = [](const at::Tensor& z, const at::Tensor& y) {
    return -(y * z.sigmoid().log() + (1 - y) * (1 - z.sigmoid()).log()).mean();
  };
  const Scores on_photo = w.photo.discriminator->forward(x_out);
  const Scores on_mask = w.mask.discriminator->forward(s_out);
  ByHand out;
  out.photo = -on_photo.adversarial.mean() + o.photo.generator_attribute * bce(on_photo.attribute_logits, w.batch.target) +
              o.photo.reconstruction * (w.batch.photo - w.photo.generator->forward(w.batch.photo, zero)).abs().mean() -
              o.photo.semantic_consistency * (one_hot(s_out) * p).sum(1).mean();
  out.mask = -on_mask.adversarial.mean() + o.mask.generator_attribute * bce(on_mask.attribute_logits, w.batch.target) -
             o.mask.reconstruction * (s_in * w.mask.generator->forward(s_in, zero).softmax(1).log()).sum(1).mean() -
             o.mask.semantic_consistency * (one_hot(p) * s_out.log()).sum(1).mean();
  return out;
}

}  // namespace

TEST_CASE("the generator update minimizes the paper's formula, each branch its own", "[training]") {
  World w;
  SecganStepOptions options;
  options.photo.semantic_consistency = 3;
  options.mask = {.generator_attribute = 2, .reconstruction = 5, .semantic_consistency = 7};
  options.intensity = 0.5;
  const ByHand expected = generator_losses(w, options);
  const auto photo_gradient = torch::autograd::grad({expected.photo}, w.photo.generator->parameters());
  const auto mask_gradient = torch::autograd::grad({expected.mask}, w.mask.generator->parameters());
  const auto photo_before = copies(w.photo.generator->parameters());
  const auto mask_before = copies(w.mask.generator->parameters());
  const auto critics = copies(w.photo.discriminator->parameters());

  // Half of λ_rec, as on a ramp.
  SecganStepOptions doubled = options;
  doubled.photo.reconstruction *= 2;
  doubled.mask.reconstruction *= 2;
  const StepReport report = w.step(doubled).generator_update(w.batch, /*reconstruction=*/0.5);
  CHECK(report.photo.total.item<double>() == Approx(expected.photo.item<double>()).epsilon(1e-12));
  CHECK(report.mask->total.item<double>() == Approx(expected.mask.item<double>()).epsilon(1e-12));
  for (size_t i = 0; i < 2; ++i) {
    // One step of SGD at 0.1 moves by -0.1 times the gradient.
    CHECK(max_difference(w.photo.generator->parameters()[i], photo_before[i] - 0.1 * photo_gradient[i]) < 1e-12);
    CHECK(max_difference(w.mask.generator->parameters()[i], mask_before[i] - 0.1 * mask_gradient[i]) < 1e-12);
  }
  CHECK(unchanged(w.photo.discriminator->parameters(), critics));
  CHECK_FALSE(w.photo.discriminator->parameters()[0].grad().defined());
  CHECK_FALSE(w.photo.generator->parameters()[0].grad().defined());  // gone with the step
}

TEST_CASE("the discriminator update follows E[D(fake)] - E[D(real)] + penalty + attributes on both branches", "[training]") {
  for (const RealMasks real : {RealMasks::kSoft, RealMasks::kHard}) {
    World w;
    SecganStepOptions options;
    options.real_masks = real;
    options.mask.discriminator_attribute = 2;
    const at::Tensor d = w.batch.target - w.batch.source;
    const at::Tensor parse = w.parser.log_probabilities(w.batch.photo);
    const at::Tensor s_in = at::one_hot(parse.argmax(1), kClasses).permute({0, 3, 1, 2}).to(at::kDouble);
    const auto by_hand = [&](ToyBranch& branch, const at::Tensor& x, const at::Tensor& fake, double attribute_weight) {
      const at::Tensor mix = (x + w.position.view({2, 1, 1, 1}) * (fake - x)).detach().requires_grad_(true);
      const at::Tensor g = torch::autograd::grad({branch.discriminator->forward(mix).adversarial.sum()}, {mix}, {}, true, true)[0];
      const at::Tensor z = branch.discriminator->forward(x).attribute_logits;
      const at::Tensor y = w.batch.source;
      return branch.discriminator->forward(fake).adversarial.mean() - branch.discriminator->forward(x).adversarial.mean() +
             10 * (g.flatten(1).norm(2, 1) - 1).square().mean() -
             attribute_weight * (y * z.sigmoid().log() + (1 - y) * (1 - z.sigmoid()).log()).mean();
    };
    const at::Tensor photo = by_hand(w.photo, w.batch.photo, w.photo.generator->forward(w.batch.photo, d).detach(), 1);
    const at::Tensor mask =
        by_hand(w.mask, real == RealMasks::kSoft ? parse.exp() : s_in, w.mask.generator->forward(s_in, d).softmax(1).detach(), 2);
    const auto gradient = torch::autograd::grad({photo}, w.photo.discriminator->parameters());
    const auto before = copies(w.photo.discriminator->parameters());
    const auto generators = copies(w.photo.generator->parameters());

    const StepReport report = w.step(options).discriminator_update(w.batch, w.position);
    CHECK(report.photo.total.item<double>() == Approx(photo.item<double>()).epsilon(1e-9));
    CHECK(report.mask->total.item<double>() == Approx(mask.item<double>()).epsilon(1e-9));
    for (size_t i = 0; i < 2; ++i) {
      CHECK(max_difference(w.photo.discriminator->parameters()[i], before[i] - 0.1 * gradient[i]) < 1e-9);
    }
    CHECK(unchanged(w.photo.generator->parameters(), generators));
  }
}

TEST_CASE("the non-saturating loss takes R1 in every so many discriminator updates, as much stronger", "[training]") {
  World w;
  SecganStepOptions options;
  options.adversarial = AdversarialLoss::kNonSaturating;
  options.r1_every = 3;
  options.photo.r1_penalty = 5;
  options.mask.r1_penalty = 7;
  const at::Tensor d = w.batch.target - w.batch.source;
  const at::Tensor parse = w.parser.log_probabilities(w.batch.photo), s_in = hard_segmentation(parse);
  const auto by_hand = [&](ToyBranch& branch, const at::Tensor& given, const at::Tensor& fake, double gamma) {
    const at::Tensor x = given.detach().requires_grad_(true);
    const Scores real = branch.discriminator->forward(x);
    const at::Tensor g = torch::autograd::grad({real.adversarial.sum()}, {x}, {}, true, true)[0];
    const at::Tensor z = real.attribute_logits, y = w.batch.source;
    return -real.adversarial.sigmoid().log().mean() - (1 - branch.discriminator->forward(fake).adversarial.sigmoid()).log().mean() +
           gamma / 2 * g.flatten(1).square().sum(1).mean() - (y * z.sigmoid().log() + (1 - y) * (1 - z.sigmoid()).log()).mean();
  };
  for (const int64_t update : {0, 1, 2, 3}) {
    const double factor = update % 3 == 0 ? 3 : 0;
    const at::Tensor photo = by_hand(w.photo, w.batch.photo, w.photo.generator->forward(w.batch.photo, d).detach(), factor * 5);
    const at::Tensor mask = by_hand(w.mask, parse.exp(), w.mask.generator->forward(s_in, d).softmax(1).detach(), factor * 7);
    const auto gradient = torch::autograd::grad({photo}, w.photo.discriminator->parameters(), {}, std::nullopt, false, true);
    const auto before = copies(w.photo.discriminator->parameters());
    const StepReport report = w.step(options).discriminator_update(w.batch, w.position, update);
    CHECK(report.photo.total.item<double>() == Approx(photo.item<double>()).epsilon(1e-9));
    CHECK(report.mask->total.item<double>() == Approx(mask.item<double>()).epsilon(1e-9));
    CHECK(report.photo.terms.size() == (factor > 0 ? 3U : 2U));
    for (size_t i = 0; i < 2; ++i) {
      CHECK(max_difference(w.photo.discriminator->parameters()[i], before[i] - 0.1 * gradient[i]) < 1e-9);
    }
  }
  const Scores on_edit = w.photo.discriminator->forward(w.photo.generator->forward(w.batch.photo, d));
  const Scores on_mask = w.mask.discriminator->forward(w.mask.generator->forward(s_in, d).softmax(1));
  const StepReport report = w.step(options).generator_update(w.batch);
  CHECK(report.photo["adversarial"] == Approx(-on_edit.adversarial.sigmoid().log().mean().item<double>()).epsilon(1e-12));
  CHECK((*report.mask)["adversarial"] == Approx(-on_mask.adversarial.sigmoid().log().mean().item<double>()).epsilon(1e-12));
}

TEST_CASE("consistency pulls the edits of the two branches together", "[training]") {
  World w;
  SecganStepOptions options;
  options.photo = {.generator_attribute = 0, .reconstruction = 1e-9, .semantic_consistency = 10};
  options.mask = options.photo;
  auto step = w.step(options);
  const double before = (*step.generator_update(w.batch).mask)["semantic_consistency"];
  for (int i = 0; i < 50; ++i) step.generator_update(w.batch);
  CHECK((*step.generator_update(w.batch).mask)["semantic_consistency"] < 0.5 * before);
}

TEST_CASE("straight-through targets train both sides by the gradient of the sum", "[training]") {
  World w;
  SecganStepOptions options;
  options.consistency_target = ConsistencyTarget::kStraightThrough;
  options.photo.semantic_consistency = 3;
  options.mask.semantic_consistency = 7;
  // The paper's formula with detached targets, and what the straight-through sides add to it: as one sum.
  const ByHand hard = generator_losses(w, options);
  const at::Tensor d = w.batch.target - w.batch.source;
  const at::Tensor s_in = at::one_hot(w.parser.log_probabilities(w.batch.photo).argmax(1), kClasses).permute({0, 3, 1, 2}).to(at::kDouble);
  const at::Tensor s_out = w.mask.generator->forward(s_in, d).softmax(1);
  const at::Tensor p = w.parser.log_probabilities(w.photo.generator->forward(w.batch.photo, d));
  const at::Tensor sum =
      hard.photo + hard.mask - 3 * (s_out * p.detach()).sum(1).mean() - 7 * (p.exp() * s_out.log().detach()).sum(1).mean();
  const auto photo_gradient = torch::autograd::grad({sum}, w.photo.generator->parameters(), {}, true);
  const auto mask_gradient = torch::autograd::grad({sum}, w.mask.generator->parameters());
  const auto photo_before = copies(w.photo.generator->parameters());
  const auto mask_before = copies(w.mask.generator->parameters());
  w.step(options).generator_update(w.batch);
  for (size_t i = 0; i < 2; ++i) {
    CHECK(max_difference(w.photo.generator->parameters()[i], photo_before[i] - 0.1 * photo_gradient[i]) < 1e-12);
    CHECK(max_difference(w.mask.generator->parameters()[i], mask_before[i] - 0.1 * mask_gradient[i]) < 1e-12);
  }
}

TEST_CASE("the semantic branch beside a foreign loop does what SeCGAN's step does", "[training]") {
  World whole, parts;
  SecganStepOptions options;
  options.photo.semantic_consistency = options.mask.semantic_consistency = 3;
  whole.step(options).generator_update(whole.batch);

  SemanticStep<ToyBranch, ToyParser> semantic(parts.mask, parts.parser, options);
  const auto& batch = parts.batch;
  const auto photo = edit_and_reconstruct(parts.photo.generator, batch.photo, batch.target - batch.source);
  const auto update = semantic.generator_update(batch, photo.edit);
  const GanPass pass = gan_pass(parts.photo.discriminator, batch.photo, photo, batch.target);
  const LossReport plain = (1.0 * Adversarial{} + options.photo.generator_attribute * AttributeRecognition{} +
                            options.photo.reconstruction * Reconstruction{})(pass);
  parts.photo.generator_optimizer.zero_grad();
  (plain.total + photo_consistency_objective(options)(*update.photo).total).backward();
  parts.photo.generator_optimizer.step();

  for (size_t i = 0; i < 2; ++i) {
    CHECK(at::allclose(whole.photo.generator->parameters()[i], parts.photo.generator->parameters()[i], 1e-12, 1e-12));
    CHECK(at::equal(whole.mask.generator->parameters()[i], parts.mask.generator->parameters()[i]));
    // The foreign loop's backward pass found nothing of the mask branch.
    CHECK_FALSE(parts.mask.generator->parameters()[i].grad().defined());
  }
}

TEST_CASE("discriminators see everything augmented alike, and nothing else does", "[training]") {
  struct Watching : ToyDiscriminator {
    std::vector<at::Tensor> seen;
    using ToyDiscriminator::ToyDiscriminator;
    Scores forward(const at::Tensor& image) {
      seen.push_back(image.detach());
      return ToyDiscriminator::forward(image);
    }
  };
  using WatchedBranch = Branch<std::shared_ptr<ToyGenerator>, std::shared_ptr<Watching>, torch::optim::SGD>;
  const auto watched = [](const ToyBranch& branch, int64_t channels) {
    const auto discriminator = std::make_shared<Watching>(channels, 2);
    return WatchedBranch{branch.generator, discriminator, torch::optim::SGD(branch.generator->parameters(), 0.1),
                         torch::optim::SGD(discriminator->parameters(), 0.1)};
  };
  World w, plain;
  w.batch.augmentation = {.shift = torch::tensor({{1, -1}, {0, 2}}, at::kLong),
                          .mirrored = torch::tensor({true, false}),
                          .brightness = torch::tensor({0.3, -0.2}, at::kDouble),
                          .contrast = torch::tensor({0.5, 1.5}, at::kDouble)};
  const Augmentation& augmentation = w.batch.augmentation;
  WatchedBranch photo = watched(w.photo, 3), mask = watched(w.mask, kClasses);
  SecganStepOptions options;
  SecganStep<WatchedBranch, WatchedBranch, ToyParser> step(photo, &mask, &w.parser, options);
  const at::Tensor d = w.batch.target - w.batch.source;
  const at::Tensor parse = w.parser.log_probabilities(w.batch.photo), hard = hard_segmentation(parse);
  const at::Tensor edit = w.photo.generator->forward(w.batch.photo, d).detach();
  const at::Tensor mask_edit = w.mask.generator->forward(hard, d).softmax(1).detach();

  step.discriminator_update(w.batch, w.position);
  const auto check = [&](const Watching& discriminator, const at::Tensor& real, const at::Tensor& fake) {
    REQUIRE(discriminator.seen.size() == 3);
    CHECK(max_difference(discriminator.seen[0], real) < 1e-14);
    CHECK(max_difference(discriminator.seen[1], fake) < 1e-14);
    CHECK(max_difference(discriminator.seen[2], at::lerp(real, fake, w.position.view({2, 1, 1, 1}))) < 1e-14);
  };
  check(*photo.discriminator, augmented_photo(w.batch.photo, augmentation), augmented_photo(edit, augmentation));
  check(*mask.discriminator, augmented_mask(parse.exp(), augmentation), augmented_mask(mask_edit, augmentation));

  const StepReport report = step.generator_update(w.batch), unchanged_report = plain.step(options).generator_update(plain.batch);
  REQUIRE(photo.discriminator->seen.size() == 4);
  CHECK(max_difference(photo.discriminator->seen[3], augmented_photo(edit, augmentation)) < 1e-14);
  CHECK(max_difference(mask.discriminator->seen[3], augmented_mask(mask_edit, augmentation)) < 1e-14);
  for (const char* term : {"reconstruction", "semantic_consistency"}) {
    CHECK(report.photo[term] == unchanged_report.photo[term]);
    CHECK((*report.mask)[term] == (*unchanged_report.mask)[term]);
  }
  CHECK(report.edit_distance.item<double>() == unchanged_report.edit_distance.item<double>());
}

TEST_CASE("photos without labels are reconstructed and judged as real or fake, and no attribute is asked of them", "[training]") {
  World w;
  w.batch.source[1] = w.batch.target[1] = 0;
  w.batch.labeled = torch::tensor({true, false});
  SecganStepOptions options;
  options.photo.semantic_consistency = options.mask.semantic_consistency = 0;
  const at::Tensor d = w.batch.target - w.batch.source;
  const at::Tensor x_out = w.photo.generator->forward(w.batch.photo, d),
                   rebuilt = w.photo.generator->forward(w.batch.photo, at::zeros_like(d));
  CHECK(max_difference(x_out[1], rebuilt[1]) == 0);
  const auto bce = [](const at::Tensor& z, const at::Tensor& y) {
    return -(y * z.sigmoid().log() + (1 - y) * (1 - z.sigmoid()).log()).mean();
  };
  const Scores scores = w.photo.discriminator->forward(x_out), real = w.photo.discriminator->forward(w.batch.photo);
  const at::Tensor of_labeled = bce(scores.attribute_logits[0], w.batch.target[0]);
  const at::Tensor total = -scores.adversarial.mean() + options.photo.generator_attribute * of_labeled +
                           options.photo.reconstruction * (w.batch.photo - rebuilt).abs().mean();
  const at::Tensor right = (real.attribute_logits[0] > 0).eq(w.batch.source[0] > 0.5).to(at::kFloat).mean();

  const StepReport critic =
      SecganStep<ToyBranch, ToyBranch, ToyParser>(w.photo, &w.mask, &w.parser, options).discriminator_update(w.batch, w.position);
  CHECK(critic.photo["attribute"] == Approx(bce(real.attribute_logits[0], w.batch.source[0]).item<double>()).epsilon(1e-12));
  CHECK(critic.attribute_accuracy.item<double>() == Approx(right.item<double>()));

  World again;  // before its discriminator learned
  again.batch = w.batch;
  const StepReport report = again.step(options).generator_update(w.batch);
  CHECK(report.photo["attribute"] == Approx(of_labeled.item<double>()).epsilon(1e-12));
  CHECK(report.photo.total.item<double>() == Approx(total.item<double>()).epsilon(1e-12));
}

TEST_CASE("a frozen classifier judges the edit as it is or as it is changed for it, beside the discriminator, and stays as it is",
          "[training]") {
  World w;
  w.batch.augmentation.shift = torch::tensor({{1, -1}, {0, 2}}, at::kLong);
  w.batch.judged = GENERATE(Augmentation(), Augmentation{.shift = torch::tensor({{-1, 1}, {2, 0}}, at::kLong)});
  SecganStepOptions options;
  options.photo = {.generator_attribute = 0, .generator_classifier = 4, .reconstruction = 0, .semantic_consistency = 0};
  const at::Tensor weight = randn64({2, 3}).requires_grad_(true);
  const FrozenClassifier classifier = [weight](const at::Tensor& photo) { return at::matmul(photo.sin().mean({2, 3}), weight.t()); };
  const at::Tensor edit = w.photo.generator->forward(w.batch.photo, w.batch.target - w.batch.source);
  const at::Tensor z = classifier(augmented_photo(edit, w.batch.judged));
  at::Tensor y = w.batch.target.clone();
  options.kept_attributes = GENERATE(KeptAttributes::kLabels, KeptAttributes::kSeen);
  if (options.kept_attributes == KeptAttributes::kSeen) {
    const at::Tensor shown = classifier(augmented_photo(w.batch.photo, w.batch.judged)).sigmoid().detach();
    int64_t kept = 0;
    for (int64_t n = 0; n < y.size(0); ++n) {
      for (int64_t a = 0; a < y.size(1); ++a) {
        if (y[n][a].item<double>() != w.batch.source[n][a].item<double>()) continue;
        y[n][a] = shown[n][a];
        ++kept;
      }
    }
    REQUIRE((kept > 0 && kept < y.numel()));
  }
  const at::Tensor judged = -(y * z.sigmoid().log() + (1 - y) * (1 - z.sigmoid()).log()).mean();
  const at::Tensor seen = augmented_photo(edit, w.batch.augmentation);
  const auto gradient =
      torch::autograd::grad({4 * judged - w.photo.discriminator->forward(seen).adversarial.mean()}, w.photo.generator->parameters());
  const auto before = copies(w.photo.generator->parameters());

  SecganStep<ToyBranch, ToyBranch, ToyParser> step(w.photo, nullptr, nullptr, options, classifier);
  const StepReport report = step.generator_update(w.batch);
  CHECK(report.photo["classifier"] == Approx(judged.item<double>()).epsilon(1e-12));
  for (size_t i = 0; i < 2; ++i) {
    CHECK(max_difference(w.photo.generator->parameters()[i], before[i] - 0.1 * gradient[i]) < 1e-12);
  }
  CHECK_FALSE(weight.grad().defined());

  CHECK_THROWS_WITH((SecganStep<ToyBranch, ToyBranch, ToyParser>(w.photo, nullptr, nullptr, options)),
                    "classifier is missing: photo.generator_classifier 4 needs one");
  options.mask.generator_classifier = 2;
  CHECK_THROWS_WITH(validate(options), "mask.generator_classifier must be 0: classifiers see photos, found 2");
  CHECK_THROWS_WITH(w.step().generator_update(w.batch).photo["classifier"], Catch::Contains("unknown"));
}

TEST_CASE("accumulated gradients step once, with their mean", "[training]") {
  torch::manual_seed(5);
  const at::Tensor first = randn64({4}), second = randn64({4});
  at::Tensor x = at::zeros({4}, at::kDouble).requires_grad_(true), y = at::zeros({4}, at::kDouble).requires_grad_(true);
  Accumulated<Adam> accumulated(Adam({x}, {.learning_rate = 0.1}), 2);
  Adam whole({y}, {.learning_rate = 0.1});
  for (int round = 0; round < 2; ++round) {
    for (const at::Tensor& target : {first, second}) {
      accumulated.zero_grad();
      (x - target).pow(3).sum().backward();
      const at::Tensor before = x.detach().clone();
      accumulated.step();
      CHECK(at::equal(x.detach(), before) == target.is_same(first));
    }
    whole.zero_grad();
    (0.5 * ((y - first).pow(3).sum() + (y - second).pow(3).sum())).backward();
    whole.step();
    CHECK(max_difference(x.detach(), y.detach()) < 1e-12);
  }
  CHECK_THROWS_WITH((Accumulated<Adam>(Adam({x}), 0)), Catch::Contains("accumulate must be positive"));
}

TEST_CASE("without a mask branch the step is the plain conditional GAN", "[training]") {
  World w;
  SecganStep<ToyBranch, ToyBranch, ToyParser> step(w.photo, nullptr, nullptr, {});
  const StepReport report = step.generator_update(w.batch);
  CHECK_FALSE(report.mask.has_value());
  CHECK_THROWS_WITH(report.photo["semantic_consistency"], Catch::Contains("unknown"));
  step.discriminator_update(w.batch, w.position);
  CHECK_THROWS_WITH((SecganStep<ToyBranch, ToyBranch, ToyParser>(w.photo, &w.mask, nullptr, {})), Catch::Contains("needs a parser"));
}

TEST_CASE("fused Adam equals the formula, and a schedule reaches it", "[training]") {
  torch::manual_seed(3);
  at::Tensor x = randn64({5}).requires_grad_(true);
  at::Tensor oracle = x.detach().clone();
  at::Tensor m = at::zeros({5}, at::kDouble), v = at::zeros({5}, at::kDouble);
  Adam adam({x}, {.learning_rate = 0.1, .beta1 = 0.5, .beta2 = 0.9});
  for (int t = 1; t <= 4; ++t) {
    const double rate = t <= 2 ? 0.1 : 0.01;
    adam.set_learning_rate(rate);
    adam.zero_grad();
    x.pow(4).sum().backward();
    adam.step();
    const at::Tensor g = 4 * oracle.pow(3);
    m = 0.5 * m + 0.5 * g;
    v = 0.9 * v + 0.1 * g * g;
    oracle = oracle - rate * (m / (1 - std::pow(0.5, t))) / ((v / (1 - std::pow(0.9, t))).sqrt() + 1e-8);
  }
  CHECK(max_difference(x.detach(), oracle) < 1e-12);
  CHECK_THROWS_WITH(Adam({x}, {.learning_rate = 0}), Catch::Contains("learning_rate 0 is not positive"));
}
