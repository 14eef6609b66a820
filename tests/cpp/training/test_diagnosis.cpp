#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

#include "secgan/core/random.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/training/secgan_task.hpp"
#include "training/diagnosis.hpp"

using namespace secgan;

namespace {

/// Pictures of one gray each, and noise. Their attributes are drawn at random, or say whether the gray is light and whether it is far from
/// the middle.
class Grays final : public Dataset {
 public:
  Grays(int64_t count, uint64_t seed, bool at_random) : schema_({"Light", "Far"}) {
    const SeedGuard seeded(seed);
    grays_ = at::rand({count}) * 200 + 28;
    noise_ = at::randint(-20, 21, {count, 3, kSide, kSide});
    const at::Tensor drawn = at::randint(0, 2, {count, 2}).to(at::kFloat);
    const at::Tensor told = at::stack({grays_ > 128, (grays_ - 128).abs() > 50}, 1).to(at::kFloat);
    labels_ = at_random ? drawn : told;
  }
  int64_t size() const override { return grays_.size(0); }
  Sample get(int64_t i) const override {
    return {(grays_[i] + noise_[i]).clamp(0, 255).to(at::kByte), labels_[i], {}, "gray " + std::to_string(i)};
  }
  int64_t image_size() const override { return kSide; }
  const AttributeSchema& attributes() const override { return schema_; }
  bool has_masks() const override { return false; }
  at::Tensor labels(int64_t i) const override { return labels_[i]; }

 private:
  static constexpr int64_t kSide = 32;
  AttributeSchema schema_;
  at::Tensor grays_, noise_, labels_;
};

SecganTaskOptions recipe(double generator_rate, double discriminator_rate) {
  SecganTaskOptions options;
  options.mask_branch = false;
  options.photo_generator = AttGanGeneratorOptions{.enc_dim = 8,
                                                   .enc_layers = 2,
                                                   .enc_norm_fn = Normalization::kNone,
                                                   .dec_dim = 8,
                                                   .dec_layers = 2,
                                                   .dec_norm_fn = Normalization::kNone};
  options.photo_discriminator = AttGanDiscriminatorOptions{.dim = 8, .norm_fn = Normalization::kNone, .fc_dim = 32, .n_layers = 2};
  options.losses.photo.reconstruction = 1;
  options.generator_adam.learning_rate = generator_rate;
  options.discriminator_adam.learning_rate = discriminator_rate;
  options.discriminator_updates = 2;
  options.average_decay = 0;
  options.loader.batch = 8;
  return options;
}

/// What the run says after some steps, at log lines of ten steps each.
std::vector<std::string> warnings_of(SecganTask& task, int64_t steps) {
  std::vector<std::string> last;
  std::map<std::string, double> sums;
  for (int64_t step = 0; step < steps; ++step) {
    const NamedValues values = task.step(step, 1);
    for (const auto& [name, value] : values)
      sums[name] += value / static_cast<double>(std::ranges::count(values, name, &NamedValues::value_type::first)) / 10;
    if (step % 10 != 9) continue;
    NamedValues means(sums.begin(), sums.end());
    std::ranges::move(task.held_out(), std::back_inserter(means));
    last = task.warnings(1000, means);
    sums.clear();
  }
  return last;
}

bool says(const std::vector<std::string>& warnings, std::string_view what) {
  return std::ranges::any_of(warnings, [&](const std::string& warning) { return warning.find(what) != std::string::npos; });
}

}  // namespace

TEST_CASE("a critic that falls behind the generator is told, one that is ahead is not", "[diagnosis]") {
  const auto data = std::make_shared<Grays>(32, 1, false);
  SecganTask behind(data, recipe(1e-2, 1e-9), {});
  const auto warnings = warnings_of(behind, 60);
  CHECK(says(warnings, "the critic of photos falls behind the generator"));
  CHECK(says(warnings, "raise discriminator_updates, or lower generator_adam.learning_rate"));
  SecganTask ahead(data, recipe(1e-9, 1e-2), {});
  CHECK_FALSE(says(warnings_of(ahead, 60), "falls behind"));
}

TEST_CASE("the critic of either branch is told to be behind", "[diagnosis]") {
  const NamedValues photo_behind{{"photo/discriminator/adversarial", 0.5}, {"mask/discriminator/adversarial", -1}};
  const NamedValues mask_behind{{"photo/discriminator/adversarial", -0.5}, {"mask/discriminator/adversarial", 1}};
  CHECK(diagnose(100, photo_behind, AdversarialLoss::kWasserstein).empty());  // too early to tell
  const auto warnings = diagnose(200, photo_behind, AdversarialLoss::kWasserstein);
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Catch::Contains("critic of photos") && Catch::Contains("is 0.5, above 0"));
  CHECK_THAT(diagnose(450, mask_behind, AdversarialLoss::kWasserstein).at(0), Catch::Contains("critic of masks"));
  // The logistic loss of one that knows nothing is 2 log 2.
  CHECK(diagnose(450, {{"photo/discriminator/adversarial", 1.38}}, AdversarialLoss::kNonSaturating).empty());
  CHECK_THAT(diagnose(450, {{"photo/discriminator/adversarial", 1.39}}, AdversarialLoss::kNonSaturating).at(0),
             Catch::Contains("discriminator of photos falls behind") && Catch::Contains("is 1.39, above 1.39"));
}

TEST_CASE("a head that learns its photos by heart is told, one that learns what they show is not", "[diagnosis]") {
  const auto warnings = [](bool at_random) {
    SecganTask task(std::make_shared<Grays>(16, 1, at_random), recipe(1e-4, 3e-3), {});
    task.watch(Grays(64, 2, at_random));
    return warnings_of(task, 150);
  };
  const auto by_heart = warnings(true);
  CHECK(says(by_heart, "learns its photos by heart"));
  CHECK_FALSE(says(by_heart, "learns nothing"));
  CHECK_FALSE(says(warnings(false), "by heart"));
}

/// Right about what Grays show.
AttributeClassifier taught_classifier(const Grays& data) {
  const SeedGuard seeded(3);
  AttributeClassifier classifier = make_classifier({.attributes = 2, .image_size = 32, .options = {.dim = 8, .max_dim = 8}});
  std::vector<at::Tensor> photos, labels;
  for (int64_t i = 0; i < data.size(); ++i) {
    photos.push_back(to_float(data.get(i).image));
    labels.push_back(data.labels(i));
  }
  torch::optim::Adam adam(classifier->parameters(), 1e-2);
  for (int step = 0; step < 60; ++step) {
    adam.zero_grad();
    at::binary_cross_entropy_with_logits(classifier->forward(at::stack(photos)), at::stack(labels)).backward();
    adam.step();
  }
  return classifier;
}

TEST_CASE("edits that please the discriminator's head and not the classifier are told", "[diagnosis]") {
  const auto data = std::make_shared<Grays>(64, 1, false);
  // A discriminator that stays as it was drawn has opinions of its own on what is light and far.
  SecganTaskOptions options = recipe(1e-2, 1e-9);
  options.losses.photo.generator_attribute = 100;
  Bundle base;
  base.info.attributes = data->attributes().names();
  base.classifier = taught_classifier(*data);
  SecganTask task(data, options, base);
  task.watch(Grays(64, 2, false));
  CHECK(says(warnings_of(task, 100), "edits please the discriminator's attribute head, not the classifier"));

  CHECK(diagnose(500, {{"photo/held_out/edits_by_discriminator", 0.9}, {"photo/held_out/edits_by_classifier", 0.8}},
                 AdversarialLoss::kWasserstein)
            .empty());
  // Early in a run neither sees much.
  CHECK(diagnose(500, {{"photo/held_out/edits_by_discriminator", 0.5}, {"photo/held_out/edits_by_classifier", 0.2}},
                 AdversarialLoss::kWasserstein)
            .empty());
  CHECK(diagnose(500, {{"photo/held_out/edits_by_discriminator", 0.9}}, AdversarialLoss::kWasserstein).empty());
}

TEST_CASE("what is measured on held-out photos follows its definition and leaves the networks as they were", "[diagnosis]") {
  const Grays data(32, 1, false), others(20, 2, false);
  SecganTaskOptions options = recipe(1e-3, 1e-3);
  options.photo_discriminator.as<AttGanDiscriminatorOptions>().norm_fn = Normalization::kTrackedInstance;
  Bundle base;
  base.info.attributes = data.attributes().names();
  base.classifier = taught_classifier(data);
  SecganTask task(std::make_shared<Grays>(data), options, base);
  CHECK(task.held_out().empty());
  task.watch(others);
  task.step(0, 1);
  NamedTensors before;
  for (const auto& [name, tensor] : task.state()) before.emplace_back(name, tensor.clone());
  const NamedValues values = task.held_out();
  const NamedTensors after = task.state();
  REQUIRE(after.size() == before.size());
  for (size_t i = 0; i < after.size(); ++i) {
    INFO(after[i].first);
    CHECK(at::equal(after[i].second, before[i].second));
  }
  // One photo after the other, with the networks of the bundle: the classifier is the one that it was given.
  Bundle bundle = task.bundle();
  double right = 0, changed = 0;
  at::NoGradGuard no_grad;
  for (int64_t i = 0; i < others.size(); ++i) {
    const at::Tensor source = others.labels(i), target = others.labels((i + others.size() - 1) % others.size());
    const at::Tensor edit = bundle.generator->forward(to_float(others.get(i).image).unsqueeze(0), (target - source).unsqueeze(0));
    const at::Tensor seen = bundle.classifier->forward(edit)[0] > 0;
    for (int64_t a = 0; a < 2; ++a) {
      if (source[a].item<float>() == target[a].item<float>()) continue;
      ++changed;
      right += seen[a].item<bool>() == (target[a].item<float>() > 0.5) ? 1 : 0;
    }
  }
  REQUIRE(changed > 0);
  const auto found = std::ranges::find(values, "photo/held_out/edits_by_classifier", &NamedValues::value_type::first);
  REQUIRE(found != values.end());
  CHECK(found->second == Approx(right / changed).margin(1.5 / changed));  // a logit of nearly 0 may fall to either side
}
