#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <cmath>
#include <initializer_list>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "golden.hpp"
#include "numeric.hpp"
#include "secgan/core/error.hpp"
#include "secgan/models/stgan.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

/// The difference vectors of the golden rows: −1, 0 and 1 in turn.
at::Tensor golden_difference(int64_t rows, int64_t columns) {
  return ((torch::arange(rows).unsqueeze(1) + torch::arange(columns)).remainder(3) - 1).to(at::kFloat);
}

struct PublishedStgan {
  std::string keys;
  int64_t attributes;
  StganGeneratorOptions options;
  int64_t parameters;
  std::optional<GoldenRow> evaluation;
  std::optional<GoldenRow> training;
};

constexpr NetworkSpec kSmallStgan{.attributes = 3, .image_size = 16};
constexpr StganGeneratorOptions kSmallStganOptions{.conv_dim = 4, .n_layers = 3, .shortcut_layers = 2};

int64_t parameters_under(const torch::nn::Module& module, const std::string& prefix) {
  int64_t count = 0;
  for (const auto& item : module.named_parameters()) {
    if (item.key().starts_with(prefix)) count += item.value().numel();
  }
  return count;
}

}  // namespace

TEST_CASE("STGAN's generator is the published one, entry by entry and number by number", "[models]") {
  // clang-format off
  const PublishedStgan published = GENERATE(
      PublishedStgan{"stgan_G_cfg_a10_sc3", 10, {}, 74379600,
                         GoldenRow{-0.1080692, 0.1703054, {-0.065809, -0.031962, -0.118531, -0.008112}},
                         GoldenRow{-0.0473346, 0.6993606, {0.581971, -0.210075, 0.333026, -0.054185}}},
      PublishedStgan{"stgan_G_ctor_a10_sc2", 10, {.shortcut_layers = 2}, 72687184,
                         GoldenRow{-0.0775898, 0.1903766, {0.09314, -0.18235, 0.102167, 0.092215}}, std::nullopt},
      PublishedStgan{"stgan_G_a13_sc3", 13, {}, 74471760,
                         GoldenRow{-0.1086086, 0.1718257, {-0.068135, -0.023577, -0.123422, -0.008606}}, std::nullopt},
      PublishedStgan{"stgan_G_a10_sc4", 10, {.shortcut_layers = 4}, 74758864,
                         GoldenRow{0.4082078, 0.2698111, {0.135666, 0.041024, 0.203364, 0.116482}}, std::nullopt},
      PublishedStgan{"stgan_G_a10_sc3_nostu", 10, {.use_stu = false}, 44641360,
                         GoldenRow{-0.1340353, 0.3104727, {-0.02149, 0.104551, -0.184442, -0.018871}}, std::nullopt},
      PublishedStgan{"stgan_G_a10_sc3_no1more", 10, {.one_more_conv = false}, 74352512,
                         GoldenRow{0.0549721, 0.2308812, {0.061895, -0.05178, 0.006356, 0.129629}}, std::nullopt},
      // No golden row, but keys and count: six layers, widths without a cap.
      PublishedStgan{"stgan_G_a5_n6_sc5", 5, {.n_layers = 6, .shortcut_layers = 5}, 299173584, std::nullopt, std::nullopt});
  // clang-format on
  CAPTURE(published.keys);
  torch::NoGradGuard no_grad;
  Generator generator = make_generator({.attributes = published.attributes}, published.options);
  CHECK(keys_of(*generator) == published_keys(published.keys));
  CHECK(parameter_count(*generator) == published.parameters);
  if (!published.evaluation) return;

  fill_golden(*generator);
  const at::Tensor image = golden_image({2, 3, 128, 128});
  const at::Tensor difference = golden_difference(2, published.attributes);
  generator->eval();
  check_golden(generator->forward(image, difference), *published.evaluation);
  if (!published.training) return;
  generator->train();
  check_golden(generator->forward(image, difference), *published.training);
}

TEST_CASE("STGAN's discriminator is the published one, its eval mode can be asked for", "[models]") {
  torch::NoGradGuard no_grad;
  const auto scores = [](Normalization norm, bool training) {
    Discriminator discriminator = make_discriminator({.attributes = 10}, StganDiscriminatorOptions{.norm_fn = norm});
    CHECK(keys_of(*discriminator) == published_keys("stgan_D_128_a10"));
    CHECK(parameter_count(*discriminator) == 44717899);
    fill_golden(*discriminator);
    discriminator->train(training);
    return discriminator->forward(golden_image({2, 3, 128, 128}));
  };
  const auto check = [](const Scores& scores, const std::vector<float>& adversarial, const std::vector<float>& attributes) {
    REQUIRE(scores.adversarial.sizes() == at::IntArrayRef({2, 1}));
    REQUIRE(scores.attribute_logits.sizes() == at::IntArrayRef({2, 10}));
    CHECK(max_difference(scores.adversarial.flatten(), torch::tensor(adversarial)) < kGoldenTolerance);
    CHECK(max_difference(scores.attribute_logits.flatten().narrow(0, 0, 3), torch::tensor(attributes)) < kGoldenTolerance);
  };
  check(scores(Normalization::kRunningInstance, false), {-0.0870482, -0.0062525}, {0.0179986, 0.0293402, -0.1740937});
  for (const auto& [norm, training] : {std::pair{Normalization::kRunningInstance, true},
                                       {Normalization::kTrackedInstance, true},
                                       {Normalization::kTrackedInstance, false}}) {
    check(scores(norm, training), {-0.3813547, -0.6637883}, {-0.9211084, 1.2189353, -0.7639154});
  }
}

TEST_CASE("STGAN's discriminators of other sizes and counts have the published entries", "[models]") {
  const auto [keys, attributes, side] = GENERATE(std::tuple{"stgan_D_128_a13", 13, 128}, std::tuple{"stgan_D_256_a10", 10, 256});
  CHECK(keys_of(*make_discriminator({.attributes = attributes, .image_size = side}, "stgan")) == published_keys(keys));
}

TEST_CASE("the official option set has the official version's size", "[models]") {
  Generator generator = make_generator(NetworkSpec{}, StganGeneratorOptions::official());
  CHECK(parameter_count(*generator) == 74998771);
  CHECK((parameters_under(*generator, "encoder.") + 5000) / 10000 == 1115);
  CHECK((parameters_under(*generator, "stu.") + 5000) / 10000 == 3015);
  CHECK((parameters_under(*generator, "decoder.") + 5000) / 10000 == 3371);
  Discriminator discriminator = make_discriminator(NetworkSpec{}, StganDiscriminatorOptions::official());
  CHECK(parameter_count(*discriminator) == 44718990);
  for (const auto& item : generator->named_parameters()) {
    CAPTURE(item.key());
    if (item.key().ends_with("bias")) CHECK(item.value().abs().max().item<float>() == 0);
  }
  // Glorot: variance 2 / (fan in + fan out), here of the first convolution.
  const at::Tensor weight = generator->named_parameters()["encoder.0.0.weight"];
  CHECK(weight.std().item<double>() == Approx(std::sqrt(2.0 / (16 * (3 + 64)))).epsilon(0.05));
  // Without units, one skip and one injection it is AttGAN.
  StganGeneratorOptions attgan = StganGeneratorOptions::official();
  attgan.use_stu = false;
  attgan.shortcut_layers = attgan.inject_layers = 1;
  CHECK(parameter_count(*make_generator(NetworkSpec{}, attgan)) == 43459203);
}

TEST_CASE("a selective transfer unit is its equations", "[models]") {
  torch::manual_seed(1);
  const StuState passed_on = GENERATE(StuState::kStu, StuState::kGru, StuState::kDirect);
  SelectiveTransferUnit unit(3, 6, 2, StganGeneratorOptions{.stu_norm = Normalization::kNone, .stu_state = passed_on});
  unit->to(at::kDouble);
  const auto options = at::TensorOptions(at::kDouble);
  const at::Tensor f = torch::randn({2, 3, 4, 4}, options), state = torch::randn({2, 6, 2, 2}, options), a = torch::randn({2, 2}, options);
  const auto weights = unit->named_parameters();
  const auto gate = [&](const std::string& name, const at::Tensor& x) {
    return at::conv2d(x, weights[name + ".0.weight"], weights[name + ".0.bias"], 1, 1);
  };
  const at::Tensor tiled = a.reshape({2, 2, 1, 1}).repeat({1, 1, 2, 2});
  const at::Tensor raised = at::conv_transpose2d(at::cat({state, tiled}, 1), weights["upsample.weight"], weights["upsample.bias"], 2, 1);
  const at::Tensor r = at::sigmoid(gate("reset_gate", at::cat({f, raised}, 1)));
  const at::Tensor z = at::sigmoid(gate("update_gate", at::cat({f, raised}, 1)));
  const at::Tensor h = at::tanh(gate("hidden", at::cat({f, r * raised}, 1)));
  const at::Tensor output = (1 - z) * raised + z * h;
  const auto result = unit->forward(f, state, a);
  CHECK(max_difference(result.output, output) < 1e-12);
  const at::Tensor expected = passed_on == StuState::kStu ? r * raised : passed_on == StuState::kGru ? output : raised;
  CHECK(max_difference(result.state, expected) < 1e-12);
}

TEST_CASE("STGAN's features decode to the whole answer, and the official set sees every attribute everywhere", "[models]") {
  torch::manual_seed(2);
  StganGeneratorOptions official = StganGeneratorOptions::official();
  official.conv_dim = 4;
  official.n_layers = 3;
  Generator generator = make_generator(kSmallStgan, official);
  generator->eval();
  const at::Tensor image = torch::randn({2, 3, 16, 16}), difference = golden_difference(2, 3);
  const auto features = generator->encode(image);
  CHECK(features.back().sizes() == at::IntArrayRef({2, 16, 2, 2}));
  CHECK(at::equal(generator->decode(features, difference), generator->forward(image, difference)));
  // The attributes' columns of the first decoder layer silenced: units and later injections still edit.
  {
    torch::NoGradGuard no_grad;
    generator->named_parameters()["decoder.0.0.weight"].slice(0, 16).zero_();
  }
  CHECK(max_difference(generator->decode(features, difference), generator->decode(features, -difference)) > 1e-6);
}

TEST_CASE("a mask branch of STGAN takes and gives K channels", "[models]") {
  NetworkSpec spec = kSmallStgan;
  spec.image_channels = 12;
  spec.output = OutputActivation::kSoftmax;
  const at::Tensor masks = make_generator(spec, kSmallStganOptions)->forward(torch::rand({2, 12, 16, 16}), at::zeros({2, 3}));
  CHECK(masks.sizes() == at::IntArrayRef({2, 12, 16, 16}));
  CHECK(max_difference(masks.sum(1), at::ones({2, 16, 16})) < 1e-5);
}

TEST_CASE("STGAN's options that cannot be built name the option, the rule and the value", "[models]") {
  const auto refusal = [](StganGeneratorOptions options, int64_t side = 128) {
    try {
      make_generator({.image_size = side}, options);
    } catch (const InvalidArgument& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  CHECK(refusal({}, 100) == "image_size 100 is not a multiple of 32");
  CHECK(refusal({.n_layers = 9}) == "stgan.n_layers 9 is not in [2, 8]");
  CHECK(refusal({.shortcut_layers = -1}) == "stgan.shortcut_layers -1 is negative");
  CHECK(refusal({.stu_kernel_size = 4}) == "stgan.stu_kernel_size 4 is not odd and positive");
  CHECK(refusal({.conv_dim = 2}) == "conv_dim 2 is below 4, which one_more_conv divides it by");
  CHECK(refusal({.norm_epsilon = 0}) == "stgan.norm_epsilon 0 is not positive");
  CHECK(refusal({.norm_momentum = 2}) == "stgan.norm_momentum 2 is not in (0, 1]");
}

TEST_CASE("features of another network are refused by name", "[models]") {
  Generator generator = make_generator(kSmallStgan, kSmallStganOptions);
  const at::Tensor image = at::zeros({1, 3, 16, 16});
  auto features = generator->encode(image);
  features[1] = features[1].narrow(1, 0, 3);
  CHECK_THROWS_WITH(generator->decode(features, at::zeros({1, 3})), Catch::Contains("features[1] must be what encode gave"));
  features.pop_back();
  CHECK_THROWS_WITH(generator->decode(features, at::zeros({1, 3})), "features must be the 3 maps that encode gave, found 2");
  CHECK_THROWS_WITH(generator->encode(image.to(at::kByte)), "image must be floating point, found uint8");
  CHECK_THROWS_WITH(generator->forward(image, at::zeros({1, 3}, at::kLong)), "attributes must be floating point, found int64");
}
