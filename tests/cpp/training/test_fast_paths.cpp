#include <torch/torch.h>
#include <catch2/catch.hpp>
#include <cmath>

#include "numeric.hpp"
#include "secgan/core/fast_paths.hpp"
#include "secgan/parsing/face_parser.hpp"
#include "secgan/training/objectives.hpp"
#include "secgan/training/secgan_step.hpp"
#include "training/small_branch.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

constexpr int64_t kAttributes = 3, kPhotoSide = 32;
const NetworkSpec kSpec{kAttributes, kPhotoSide, 3, OutputActivation::kTanh};

struct Images {
  at::Tensor real, fake, source, position;

  explicit Images(at::ScalarType type) {
    torch::manual_seed(3);
    real = torch::rand({4, 3, kPhotoSide, kPhotoSide}, type) * 2 - 1;
    fake = torch::rand({4, 3, kPhotoSide, kPhotoSide}, type) * 2 - 1;
    source = (torch::rand({4, kAttributes}, type) > 0.5).to(type);
    position = torch::rand({4}, type);
  }
};

struct Result {
  DiscriminatorPass pass;
  LossReport report;
  std::vector<at::Tensor> gradients;
};

Result update(Discriminator& discriminator, const Images& images, bool fast, const LossWeights& weights = {}) {
  const FastPathsGuard guard(fast);
  Result out{.pass = discriminator_pass(discriminator, images.real, images.fake, images.source, images.position)};
  out.report = discriminator_objective(weights)(out.pass);
  out.gradients = torch::autograd::grad({out.report.total}, discriminator->parameters(), {}, std::nullopt, false, /*allow_unused=*/true);
  return out;
}

}  // namespace

TEST_CASE("real and fake images go through a discriminator together, to the same scores and gradients", "[training]") {
  const std::string backbone = GENERATE("attgan", "stargan");  // STGAN's keeps statistics
  CAPTURE(backbone);
  torch::manual_seed(4);
  Discriminator discriminator = make_discriminator(kSpec, small_discriminator(backbone));
  discriminator->to(at::kDouble);
  REQUIRE(discriminator->per_sample());
  const Images images(at::kDouble);
  const Result plain = update(discriminator, images, false), fast = update(discriminator, images, true);
  CHECK(max_difference(fast.pass.real_scores.adversarial, plain.pass.real_scores.adversarial) < 1e-12);
  CHECK(max_difference(fast.pass.fake_scores.adversarial, plain.pass.fake_scores.adversarial) < 1e-12);
  CHECK(max_difference(fast.pass.real_scores.attribute_logits, plain.pass.real_scores.attribute_logits) < 1e-12);
  CHECK(max_difference(fast.report.total, plain.report.total) < 1e-10);
  for (size_t i = 0; i < plain.gradients.size(); ++i) CHECK(max_difference(fast.gradients[i], plain.gradients[i]) < 1e-9);
}

TEST_CASE("a penalized pass gives the graph's losses and gradients, norm or none, in every weighting", "[training]") {
  const Normalization norm = GENERATE(Normalization::kNone, Normalization::kInstance, Normalization::kTrackedInstance);
  const Activation activation = GENERATE(Activation::kLeakyRelu, Activation::kRelu, Activation::kNone);
  const double penalty = GENERATE(10.0, 0.0), attribute = GENERATE(1.0, 0.0);
  CAPTURE(static_cast<int>(norm), static_cast<int>(activation), penalty, attribute);
  torch::manual_seed(4);
  Discriminator discriminator =
      make_discriminator(kSpec, AttGanDiscriminatorOptions{.dim = 8, .norm_fn = norm, .acti_fn = activation, .fc_dim = 32, .n_layers = 3});
  discriminator->to(at::kDouble);
  const Images images(at::kDouble);
  LossWeights weights;
  weights.gradient_penalty = penalty;
  weights.discriminator_attribute = attribute;
  const auto buffers = [&] { return module_state(*discriminator); };
  const auto copied = [](NamedTensors state) {
    for (auto& [name, tensor] : state) tensor = tensor.clone();
    return state;
  };
  const NamedTensors begun = copied(buffers());
  const Result plain = update(discriminator, images, false, weights);
  const NamedTensors expected = copied(buffers());
  load_module_state(*discriminator, begun, "", "the state before");
  const Result fast = update(discriminator, images, true, weights);
  for (size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(expected[i].first);
    CHECK(max_difference(buffers()[i].second.to(at::kDouble), expected[i].second.to(at::kDouble)) < 1e-12);
    if (expected[i].first.ends_with("running_var")) CHECK_FALSE(at::equal(expected[i].second, begun[i].second));
  }
  REQUIRE(fast.pass.interpolate_gradient.defined());
  CHECK(max_difference(fast.report.total, plain.report.total) < 1e-10);
  for (size_t i = 0; i < plain.gradients.size(); ++i) {
    REQUIRE(fast.gradients[i].defined() == plain.gradients[i].defined());
    if (plain.gradients[i].defined()) CHECK(max_difference(fast.gradients[i], plain.gradients[i]) < 1e-9);
  }
}

TEST_CASE("a penalized pass is for layers that the library knows, and is differentiated once", "[training]") {
  torch::manual_seed(4);
  const Images images(at::kDouble);
  for (const Normalization norm : {Normalization::kBatch, Normalization::kRunningInstance, Normalization::kSwitchable}) {
    Discriminator other = make_discriminator(kSpec, AttGanDiscriminatorOptions{.dim = 8, .norm_fn = norm, .fc_dim = 32, .n_layers = 3});
    other->to(at::kDouble);
    if (norm == Normalization::kRunningInstance) other->eval();  // in training it is the image's own
    CHECK_FALSE(other->penalized_scores(images.real, images.fake, images.real));
  }
  Discriminator discriminator = make_discriminator(kSpec, AttGanDiscriminatorOptions{.dim = 8, .fc_dim = 32, .n_layers = 3});
  discriminator->to(at::kDouble);
  const at::Tensor sum = discriminator->penalized_scores(images.real, images.fake, images.real)->fake.sum();
  torch::autograd::grad({sum}, discriminator->parameters(), {}, /*retain_graph=*/true, /*create_graph=*/false, /*allow_unused=*/true);
  CHECK_THROWS_WITH(torch::autograd::grad({sum}, discriminator->parameters(), {}, true, false, true),
                    Catch::Contains("differentiated once"));
}

TEST_CASE("a penalized pass follows autocast, and its gradients stay in full precision", "[training]") {
  torch::manual_seed(4);
  Discriminator discriminator = make_discriminator(kSpec, AttGanDiscriminatorOptions{.dim = 8, .fc_dim = 32, .n_layers = 3});
  const Images images(at::kFloat);
  const Result wide = update(discriminator, images, true);
  const AutocastGuard autocast(true);
  const Result narrow = update(discriminator, images, true), graph = update(discriminator, images, false);
  CHECK(narrow.report.total.item<double>() == Approx(wide.report.total.item<double>()).epsilon(0.02));
  CHECK_FALSE(at::equal(narrow.report.total, wide.report.total));
  const auto error = [&](const Result& result) {
    double sum = 0;
    for (size_t i = 0; i < wide.gradients.size(); ++i) sum += (result.gradients[i] - wide.gradients[i]).square().sum().item<double>();
    return std::sqrt(sum);
  };
  for (const at::Tensor& gradient : narrow.gradients) CHECK(gradient.scalar_type() == at::kFloat);
  CHECK(error(narrow) < 1.5 * error(graph));
}

TEST_CASE("a discriminator whose images see each other takes real and fake ones apart", "[training]") {
  const Normalization norm = GENERATE(Normalization::kBatch, Normalization::kTrackedInstance, Normalization::kSwitchable);
  torch::manual_seed(4);
  Discriminator discriminator =
      make_discriminator(kSpec, AttGanDiscriminatorOptions{.dim = 8, .norm_fn = norm, .fc_dim = 32, .n_layers = 3});
  CHECK_FALSE(discriminator->per_sample());
  const Images images(at::kFloat);
  const Result plain = update(discriminator, images, false), fast = update(discriminator, images, true);
  CHECK(at::equal(fast.report.total, plain.report.total));
}

TEST_CASE("twenty steps on fast paths end where twenty plain ones do", "[training]") {
  const std::string backbone = GENERATE("attgan", "stgan", "stargan");
  CAPTURE(backbone);
  const Images images(at::kFloat);
  const auto trained = [&](bool fast) {
    const FastPathsGuard guard(fast);
    torch::manual_seed(6);
    auto branch = small_branch(backbone, kSpec);
    SecganStep<decltype(branch), decltype(branch), FaceParser> step(branch, nullptr, nullptr, {});
    GanBatch batch;
    batch.photo = images.real;
    batch.source = images.source;
    batch.target = images.source.roll(1, 0);
    double loss = 0;
    for (int i = 0; i < 20; ++i) {
      loss = step.discriminator_update(batch, images.position).photo.total.item<double>();
      if (i % 5 == 4) step.generator_update(batch);
    }
    return loss;
  };
  const double plain = trained(false);
  CHECK(trained(true) == Approx(plain).epsilon(1e-5));
}

TEST_CASE("a discriminator with any norm trains under autocast", "[training]") {
  const Normalization norm = GENERATE(Normalization::kBatch, Normalization::kTrackedInstance, Normalization::kSwitchable);
  CAPTURE(static_cast<int>(norm));
  torch::manual_seed(4);
  Discriminator discriminator =
      make_discriminator(kSpec, AttGanDiscriminatorOptions{.dim = 8, .norm_fn = norm, .fc_dim = 32, .n_layers = 3});
  const AutocastGuard autocast(true);
  const Result result = update(discriminator, Images(at::kFloat), true);
  CHECK(std::isfinite(result.report.total.item<double>()));
  for (const at::Tensor& buffer : discriminator->buffers()) CHECK(buffer.scalar_type() != at::kBFloat16);
}
