#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "golden.hpp"
#include "numeric.hpp"
#include "secgan/core/error.hpp"
#include "secgan/losses/adversarial.hpp"
#include "secgan/models/attgan.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

/// ±0.5 as AttGAN was trained: +0.5 where row + column is odd.
at::Tensor golden_attributes(int64_t rows, int64_t columns) {
  const at::Tensor parity = (torch::arange(rows).unsqueeze(1) + torch::arange(columns)).remainder(2);
  return parity.to(at::kFloat) - 0.5;
}

/// Small, with every joint in use: five layers, skips and injections everywhere, widths that reach the cap.
constexpr NetworkSpec kSmallGenerator{.attributes = 3, .image_size = 32};
constexpr AttGanGeneratorOptions kSmallGeneratorOptions{
    .enc_dim = 4, .dec_dim = 6, .shortcut_layers = 4, .inject_layers = 4, .max_dim = 16};

constexpr NetworkSpec kSmallDiscriminator{.attributes = 3, .image_size = 8};
constexpr AttGanDiscriminatorOptions kSmallDiscriminatorOptions{.dim = 2, .fc_dim = 3, .n_layers = 2};

/// At 128 pixels with 13 attributes, everything else at its default.
struct PublishedGenerator {
  std::string keys;
  int64_t shortcut_layers;
  int64_t inject_layers;
  int64_t parameters;
  GoldenRow evaluation;
  std::optional<GoldenRow> training;  ///< batch statistics instead of running ones
};

}  // namespace

TEST_CASE("the golden recipe hashes as published", "[models]") {
  const double expected[] = {-0.6356447, -0.6660353, -0.1791837, 0.2458779};
  for (uint32_t k = 0; k < 4; ++k) CHECK(golden_value(k, 0) == Approx(expected[k]).margin(1e-7));
  CHECK(golden_value(123456, 57) == Approx(-0.9196479842).margin(1e-10));
}

TEST_CASE("AttGAN's generator is the published one, entry by entry and number by number", "[models]") {
  const PublishedGenerator published = GENERATE(
      PublishedGenerator{"attgan_G_128_sc1_inj0",
                         1,
                         0,
                         43352707,
                         {0.0405659, 0.1838273, {0.043648, 0.118493, 0.043531, -0.104179}},
                         GoldenRow{-0.0128249, 0.8044361, {-0.551489, 0.209682, -0.561801, -0.038001}}},
      PublishedGenerator{"attgan_G_128_sc1_inj1",
                         1,
                         1,
                         43459203,
                         {0.0406881, 0.1850044, {0.042893, 0.119557, 0.044223, -0.103564}},
                         GoldenRow{-0.0127344, 0.8044037, {-0.556711, 0.20554, -0.553261, -0.048219}}},
      PublishedGenerator{
          "attgan_G_128_sc4_inj4", 4, 4, 44853491, {0.0721863, 0.6483634, {-0.42621, 0.277996, 0.067319, 0.349402}}, std::nullopt});
  CAPTURE(published.keys);
  torch::NoGradGuard no_grad;
  Generator generator = make_generator(
      NetworkSpec{}, AttGanGeneratorOptions{.shortcut_layers = published.shortcut_layers, .inject_layers = published.inject_layers});
  CHECK(keys_of(*generator) == published_keys(published.keys));
  CHECK(parameter_count(*generator) == published.parameters);

  fill_golden(*generator);
  const at::Tensor image = golden_image({2, 3, 128, 128});
  const at::Tensor attributes = golden_attributes(2, 13);
  generator->eval();
  check_golden(generator->forward(image, attributes), published.evaluation);
  if (!published.training) return;
  generator->train();
  check_golden(generator->forward(image, attributes), *published.training);
}

TEST_CASE("AttGAN's discriminator is the published one in both modes", "[models]") {
  torch::NoGradGuard no_grad;
  Discriminator discriminator = make_discriminator(NetworkSpec{});
  CHECK(keys_of(*discriminator) == published_keys("attgan_D_128"));
  CHECK(parameter_count(*discriminator) == 44718990);

  fill_golden(*discriminator);
  const at::Tensor image = golden_image({2, 3, 128, 128});
  for (const bool training : {false, true}) {
    discriminator->train(training);
    const Scores scores = discriminator->forward(image);
    REQUIRE(scores.adversarial.sizes() == at::IntArrayRef({2, 1}));
    REQUIRE(scores.attribute_logits.sizes() == at::IntArrayRef({2, 13}));
    CHECK(max_difference(scores.adversarial.flatten(), torch::tensor({-0.603012, -0.804985})) < kGoldenTolerance);
    // This row is published with four decimals.
    CHECK(max_difference(scores.attribute_logits.narrow(1, 0, 3), torch::tensor({{0.4296, -0.4348, 0.4340}, {0.5944, 0.1854, -0.1913}})) <
          6e-5);
  }
}

TEST_CASE("features encoded once decode to what the whole generator answers, for every edit", "[models]") {
  torch::manual_seed(1);
  Generator generator = make_generator(kSmallGenerator, kSmallGeneratorOptions);
  generator->eval();
  const at::Tensor image = torch::randn({2, 3, 32, 32});
  const std::vector<at::Tensor> features = generator->encode(image);
  REQUIRE(features.size() == 5);
  CHECK(features.front().sizes() == at::IntArrayRef({2, 4, 16, 16}));
  CHECK(features.back().sizes() == at::IntArrayRef({2, 16, 1, 1}));
  at::Tensor previous;
  for (const double strength : {0.0, 1.0}) {
    const at::Tensor attributes = at::full({2, 3}, strength);
    const at::Tensor edit = generator->decode(features, attributes);
    CHECK(at::equal(edit, generator->forward(image, attributes)));
    if (previous.defined()) CHECK(max_difference(edit, previous) > 1e-4);
    previous = edit;
  }
}

TEST_CASE("each attribute reaches its own photo of the batch", "[models]") {
  torch::manual_seed(2);
  Generator generator = make_generator(kSmallGenerator, kSmallGeneratorOptions);
  generator->eval();
  const at::Tensor image = torch::randn({1, 3, 32, 32}).expand({4, 3, 32, 32});
  at::Tensor attributes = at::zeros({4, 3});
  for (int64_t i = 0; i < 3; ++i) attributes[i][i] = 1;
  const at::Tensor edits = generator->forward(image, attributes);
  for (int64_t i = 0; i < 3; ++i) {
    CHECK(max_difference(edits[i], edits[3]) > 1e-5);
    CHECK(max_difference(edits[i], generator->forward(image.narrow(0, 0, 1), attributes.narrow(0, i, 1))[0]) < 1e-5);
  }
}

TEST_CASE("the output option is an activation over the same logits", "[models]") {
  torch::manual_seed(3);
  NetworkSpec spec = kSmallGenerator;
  spec.image_channels = 12;
  const at::Tensor mask = torch::randn({2, 12, 32, 32}).softmax(1);
  const at::Tensor attributes = torch::randn({2, 3});
  spec.output = OutputActivation::kLogits;
  Generator logits_generator = make_generator(spec, kSmallGeneratorOptions);
  const auto answer = [&](OutputActivation output) {
    spec.output = output;
    Generator generator = make_generator(spec, kSmallGeneratorOptions);
    copy_module_state(*logits_generator, *generator);
    return generator->forward(mask, attributes);
  };
  const at::Tensor logits = answer(OutputActivation::kLogits);
  CHECK(logits.sizes() == mask.sizes());
  CHECK(at::allclose(answer(OutputActivation::kTanh), logits.tanh()));
  // Over the classes, not over the pixels.
  CHECK(at::allclose(answer(OutputActivation::kSoftmax), logits.exp() / logits.exp().sum(1, /*keepdim=*/true)));

  NetworkSpec masks = kSmallDiscriminator;
  masks.image_channels = 12;
  CHECK(make_discriminator(masks, kSmallDiscriminatorOptions)->forward(at::zeros({2, 12, 8, 8})).attribute_logits.sizes() ==
        at::IntArrayRef({2, 3}));
}

TEST_CASE("every way of upsampling doubles the side in every layer", "[models]") {
  torch::manual_seed(4);
  const at::Tensor image = torch::randn({2, 3, 32, 32});
  const at::Tensor attributes = torch::randn({2, 3});
  AttGanGeneratorOptions options = kSmallGeneratorOptions;
  options.upsampling = Upsampling::kNearest;
  Generator nearest = make_generator(kSmallGenerator, options);
  options.upsampling = Upsampling::kBilinear;
  Generator bilinear = make_generator(kSmallGenerator, options);
  // One state serves both, yet they answer differently.
  copy_module_state(*nearest, *bilinear);
  const at::Tensor edit = nearest->forward(image, attributes);
  CHECK(edit.sizes() == image.sizes());
  CHECK(bilinear->forward(image, attributes).sizes() == image.sizes());
  CHECK(max_difference(edit, bilinear->forward(image, attributes)) > 1e-3);
  options.upsampling = Upsampling::kSubpixel;
  CHECK(make_generator(kSmallGenerator, options)->forward(image, attributes).sizes() == image.sizes());
}

TEST_CASE("subpixel upsampling begins as nearest neighbor, and can leave it", "[models]") {
  torch::manual_seed(5);
  Block block = upsampling_block(3, 2, Upsampling::kSubpixel, {});
  const at::Tensor input = torch::randn({2, 3, 4, 4});
  const at::Tensor output = block->forward(input);
  REQUIRE(output.sizes() == at::IntArrayRef({2, 2, 8, 8}));
  const at::Tensor corners = output.slice(2, 0, 8, 2).slice(3, 0, 8, 2);
  CHECK(max_difference(output, corners.repeat_interleave(2, 2).repeat_interleave(2, 3)) < 1e-6);
  CHECK(corners.std().item<double>() > 0.1);

  // Yet each of a pixel's four positions has weights of its own.
  block->forward(input).slice(2, 0, 8, 2).slice(3, 1, 8, 2).sum().backward();
  const at::Tensor second = block->parameters().front().grad().abs().sum({1, 2, 3}).unflatten(0, {2, 4});
  CHECK((second.select(1, 1) > 0).all().item<bool>());
  CHECK(second.select(1, 0).sum().item<double>() == 0);
  CHECK(second.slice(1, 2).sum().item<double>() == 0);
}

TEST_CASE("skips and injections are clipped to the layers before the last, and off when zero", "[models]") {
  AttGanGeneratorOptions options = kSmallGeneratorOptions;
  const int64_t most = parameter_count(*make_generator(kSmallGenerator, options));
  options.shortcut_layers = 9;
  options.inject_layers = 9;
  CHECK(parameter_count(*make_generator(kSmallGenerator, options)) == most);
  options.shortcut_layers = 0;
  options.inject_layers = 0;
  Generator plain = make_generator(kSmallGenerator, options);
  CHECK(plain->forward(at::zeros({2, 3, 32, 32}), at::zeros({2, 3})).sizes() == at::IntArrayRef({2, 3, 32, 32}));
  // The widths that the decoder's second to last layers receive from skips (16, 16, 8, 4) and injections (3 each).
  const int64_t kernel = 4 * 4;
  CHECK(most - parameter_count(*plain) == kernel * ((16 + 3) * 16 + (16 + 3) * 16 + (8 + 3) * 12 + (4 + 3) * 3));
}

TEST_CASE("options that cannot be built name the option, the rule and the value", "[models]") {
  const auto generator = [](const AttGanGeneratorOptions& options) { return make_generator(NetworkSpec{}, options); };
  const auto discriminator = [](const AttGanDiscriminatorOptions& options) { return make_discriminator(NetworkSpec{}, options); };
  CHECK_THROWS_WITH(make_generator({.image_size = 100}, "attgan"), Catch::Contains("image_size 100 is not a multiple of 32"));
  CHECK_THROWS_WITH(generator({.dec_layers = 4}), Catch::Contains("dec_layers 4 must equal enc_layers 5"));
  CHECK_THROWS_WITH(generator({.shortcut_layers = -1}), Catch::Contains("shortcut_layers -1"));
  CHECK_THROWS_WITH(generator({.inject_layers = -1}), Catch::Contains("inject_layers -1"));
  CHECK_THROWS_WITH(make_generator({.attributes = 0}, "attgan"), Catch::Contains("attributes 0 is not positive"));
  CHECK_THROWS_WITH(make_generator({.image_channels = 0}, "attgan"), Catch::Contains("image_channels 0 is not positive"));
  CHECK_THROWS_WITH(generator({.enc_dim = 0}), Catch::Contains("enc_dim 0 is not positive"));
  CHECK_THROWS_WITH(make_discriminator({.image_size = 48}, "attgan"), Catch::Contains("image_size 48 is not a multiple of 32"));
  CHECK_THROWS_WITH(discriminator({.fc_dim = 0}), Catch::Contains("fc_dim 0 is not positive"));
  CHECK_THROWS_WITH(discriminator({.n_layers = 1}), Catch::Contains("n_layers 1 is not in [2, 8]"));
}

TEST_CASE("images and attributes of another shape are refused by name", "[models]") {
  Generator generator = make_generator(kSmallGenerator, kSmallGeneratorOptions);
  const at::Tensor image = at::zeros({2, 3, 32, 32});
  CHECK_THROWS_AS(generator->forward(image, at::zeros({2, 4})), InvalidArgument);
  CHECK_THROWS_WITH(generator->forward(image, at::zeros({2, 4})), Catch::Contains("attributes must be [N, A]"));
  CHECK_THROWS_WITH(generator->forward(image, at::zeros({1, 3})), "attributes must be of as many photos as the image, found 1 and 2");
  CHECK_THROWS_WITH(generator->forward(at::zeros({2, 3, 64, 64}), at::zeros({2, 3})), Catch::Contains("image must be"));
  CHECK_THROWS_WITH(generator->decode({}, at::zeros({2, 3})), Catch::Contains("features"));
  CHECK_THROWS_WITH(make_discriminator(kSmallDiscriminator, kSmallDiscriminatorOptions)->forward(at::zeros({2, 4, 8, 8})),
                    Catch::Contains("image must be") && Catch::Contains("[2, 4, 8, 8]"));
}

TEST_CASE("the gradient penalty through the discriminator has the right gradient in every weight", "[models]") {
  torch::manual_seed(5);
  Discriminator discriminator = make_discriminator(kSmallDiscriminator, kSmallDiscriminatorOptions);
  discriminator->to(at::kDouble);
  const at::Tensor image = randn64({2, 3, 8, 8});
  const auto penalty = [&] {
    DiscriminatorPass pass;
    pass.interpolate = image.detach().clone().requires_grad_(true);
    pass.interpolate_scores = discriminator->forward(pass.interpolate);
    return GradientPenalty{}(pass);
  };
  const auto named = discriminator->named_parameters();
  // Without a part in the penalty: the attribute head, and biases that only move ReLU's kinks.
  const std::vector<at::Tensor> gradients = torch::autograd::grad({penalty()}, discriminator->parameters(), {}, {},
                                                                  /*create_graph=*/false, /*allow_unused=*/true);
  for (size_t i = 0; i < named.size(); ++i) {
    CAPTURE(named[i].key());
    at::Tensor weight = named[i].value();
    const at::Tensor kept = weight.detach().clone();
    const at::Tensor direction = randn64(kept.sizes());
    const auto moved = [&](double step) {
      weight.set_data(kept + step * direction);
      return penalty().item<double>();
    };
    const double h = 1e-6;
    const double expected = (moved(h) - moved(-h)) / (2 * h);
    weight.set_data(kept);
    const double slope = gradients[i].defined() ? (gradients[i] * direction).sum().item<double>() : 0;
    CHECK(slope == Approx(expected).margin(1e-7));
    if (named[i].key().starts_with("conv.0.layers.0")) CHECK(std::abs(expected) > 1e-3);
  }
}
