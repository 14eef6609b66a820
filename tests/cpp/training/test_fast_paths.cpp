#include <torch/torch.h>
#include <catch2/catch.hpp>

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

Result update(Discriminator& discriminator, const Images& images, bool fast) {
  const FastPathsGuard guard(fast);
  Result out{.pass = discriminator_pass(discriminator, images.real, images.fake, images.source, images.position)};
  out.report = discriminator_objective(LossWeights())(out.pass);
  out.gradients = torch::autograd::grad({out.report.total}, discriminator->parameters());
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
