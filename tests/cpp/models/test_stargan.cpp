#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <cmath>
#include <tuple>
#include <utility>

#include "golden.hpp"
#include "numeric.hpp"
#include "secgan/core/error.hpp"
#include "secgan/losses/adversarial.hpp"
#include "secgan/models/stargan.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

/// 0 and 1 in turn: StarGAN takes the wanted labels themselves.
at::Tensor golden_labels(int64_t rows, int64_t columns) {
  return (torch::arange(rows).unsqueeze(1) + torch::arange(columns)).remainder(2).to(at::kFloat);
}

}  // namespace

TEST_CASE("StarGAN's generator is the published one, its eval mode can be asked for", "[models]") {
  torch::NoGradGuard no_grad;
  const at::Tensor image = golden_image({2, 3, 128, 128});
  const auto edit = [&](Normalization norm, bool training) {
    Generator generator = make_generator({.attributes = 5}, StarGanGeneratorOptions{.norm_fn = norm});
    CHECK(keys_of(*generator) == published_keys("stargan_G_c5"));
    CHECK(parameter_count(*generator) == 8430528);
    fill_golden(*generator);
    generator->train(training);
    return generator->forward(image, golden_labels(2, 5));
  };
  check_golden(edit(Normalization::kRunningInstance, false), {0.089847, 0.2648746, {0.091101, 0.049895, 0.074914, -0.045393}});
  for (const auto& [norm, training] : {std::pair{Normalization::kRunningInstance, true},
                                       {Normalization::kTrackedInstance, true},
                                       {Normalization::kTrackedInstance, false}}) {
    check_golden(edit(norm, training), {0.1034841, 0.5349182, {0.145756, -0.13567, 0.341072, 0.099533}});
  }
}

TEST_CASE("StarGAN's networks for other label counts have the published entries", "[models]") {
  const auto [keys, attributes, parameters] = GENERATE(std::tuple{"stargan_G_c10", 10, 8446208}, std::tuple{"stargan_G_c13", 13, 8455616});
  Generator generator = make_generator({.attributes = attributes}, "stargan");
  CHECK(keys_of(*generator) == published_keys(keys));
  CHECK(parameter_count(*generator) == parameters);
}

TEST_CASE("StarGAN's discriminator is the published one in both modes", "[models]") {
  torch::NoGradGuard no_grad;
  const auto [keys, attributes, side, parameters] =
      GENERATE(std::tuple{"stargan_D_128_c5", 5, 128, 44762048}, std::tuple{"stargan_D_128_c13", 13, 128, 44827584},
               std::tuple{"stargan_D_256_c5", 5, 256, 44884928});
  Discriminator discriminator = make_discriminator({.attributes = attributes, .image_size = side}, "stargan");
  CHECK(keys_of(*discriminator) == published_keys(keys));
  CHECK(parameter_count(*discriminator) == parameters);
  if (attributes != 5) return;
  fill_golden(*discriminator);
  const bool training = GENERATE(false, true);
  discriminator->train(training);
  const Scores scores = discriminator->forward(golden_image({2, 3, side, side}));
  REQUIRE(scores.adversarial.sizes() == at::IntArrayRef({2, 1, side / 64, side / 64}));
  REQUIRE(scores.attribute_logits.sizes() == at::IntArrayRef({2, 5}));
  const auto first = [](const at::Tensor& x, int64_t n) { return x.flatten().narrow(0, 0, n); };
  if (side == 128) {
    CHECK(max_difference(first(scores.adversarial, 4), torch::tensor({-0.1026046, -0.0650777, -0.0274706, -0.0260039}, at::kFloat)) <
          kGoldenTolerance);
    CHECK(max_difference(first(scores.attribute_logits, 3), torch::tensor({-0.0253209, -0.0577973, -0.0251528}, at::kFloat)) <
          kGoldenTolerance);
  } else {
    CHECK(max_difference(first(scores.adversarial, 2), torch::tensor({-0.0841076, -0.0642177}, at::kFloat)) < kGoldenTolerance);
    CHECK(max_difference(first(scores.attribute_logits, 2), torch::tensor({-0.0251645, -0.0811215}, at::kFloat)) < kGoldenTolerance);
  }
}

TEST_CASE("running statistics are kept in training, and only the old behavior uses them", "[models]") {
  torch::manual_seed(1);
  const at::Tensor image = torch::randn({2, 3, 8, 8}), labels = at::zeros({2, 2});
  for (const Normalization norm : {Normalization::kTrackedInstance, Normalization::kRunningInstance}) {
    Generator generator =
        make_generator({.attributes = 2, .image_size = 8}, StarGanGeneratorOptions{.conv_dim = 4, .repeat_num = 1, .norm_fn = norm});
    const auto buffers = generator->named_buffers();
    const at::Tensor trained = generator->forward(image, labels);
    CHECK(buffers["main.1.running_mean"].abs().max().item<float>() > 0);
    CHECK(buffers["main.1.num_batches_tracked"].item<int64_t>() == 0);
    const at::Tensor kept = buffers["main.1.running_mean"].clone();
    generator->eval();
    const bool same = max_difference(generator->forward(image, labels), trained) < 1e-6;
    CHECK(same == (norm == Normalization::kTrackedInstance));
    CHECK(at::equal(buffers["main.1.running_mean"], kept));
  }
}

TEST_CASE("a patch critic's gradient penalty differentiates twice", "[models]") {
  torch::manual_seed(2);
  Discriminator discriminator =
      make_discriminator({.attributes = 2, .image_size = 16}, StarGanDiscriminatorOptions{.conv_dim = 4, .repeat_num = 3});
  discriminator->to(at::kDouble);
  const at::Tensor image = torch::randn({2, 3, 16, 16}, at::kDouble).requires_grad_();
  DiscriminatorPass pass;
  pass.interpolate = image;
  pass.interpolate_scores = discriminator->forward(image);
  GradientPenalty()(pass).backward();
  double total = 0;
  for (const auto& parameter : discriminator->parameters()) {
    if (parameter.grad().defined()) total += parameter.grad().abs().sum().item<double>();
  }
  CHECK(total > 0);
  CHECK(std::isfinite(total));
}

TEST_CASE("StarGAN's options that cannot be built name the option, the rule and the value", "[models]") {
  CHECK_THROWS_WITH(make_generator({.image_size = 30}, "stargan"), "image_size 30 is not a multiple of 4");
  CHECK_THROWS_WITH(make_discriminator({.image_size = 96}, "stargan"), "image_size 96 is not a multiple of 64");
  CHECK_THROWS_WITH(make_generator(NetworkSpec{}, StarGanGeneratorOptions{.repeat_num = -1}), "stargan.repeat_num -1 is negative");
}
