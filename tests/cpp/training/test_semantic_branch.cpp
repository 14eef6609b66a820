#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "secgan/models/attgan.hpp"
#include "secgan/nn/state.hpp"
#include "secgan/training/semantic_branch.hpp"

using namespace secgan;

namespace {

SemanticBranchConfig small() {
  SemanticBranchConfig config{.attributes = 2, .image_size = 16};
  config.options.generator = AttGanGeneratorOptions{.enc_dim = 4, .enc_layers = 2, .dec_dim = 4, .dec_layers = 2};
  config.options.discriminator = AttGanDiscriminatorOptions{.dim = 4, .fc_dim = 8, .n_layers = 2};
  return config;
}

/// Segments by a fixed linear map of the photo's colors.
FaceParser parser() {
  const at::Tensor map = at::linspace(-2, 2, 36).view({12, 3});
  return FaceParser([map](const at::Tensor& photo) { return at::einsum("kc,nchw->nkhw", {map.to(photo.scalar_type()), photo}); },
                    ClassMerge(Labels::kSecgan12), PhotoNormalization::kNone);
}

struct HostBatch {
  at::Tensor image, edited, source, target;

  explicit HostBatch(int64_t n = 2) {
    torch::manual_seed(7);
    image = torch::rand({n, 3, 16, 16}) * 2 - 1;
    edited = (image + 0.1 * torch::randn_like(image)).clamp(-1, 1).detach().requires_grad_(true);
    source = torch::zeros({n, 2});
    target = torch::ones({n, 2});
  }
};

}  // namespace

TEST_CASE("the host gets a gradient on its edit, and nothing else of it changes", "[training]") {
  const at::Tensor random_before = at::detail::getDefaultCPUGenerator().get_state();
  SemanticBranch branch(parser(), small());
  CHECK(at::equal(at::detail::getDefaultCPUGenerator().get_state(), random_before));
  const HostBatch b;
  const at::Tensor random = at::detail::getDefaultCPUGenerator().get_state();
  const at::NoGradGuard host_is_in_no_grad;
  const NamedValues d = branch->discriminator_step(b.image, b.source, b.target);
  CHECK(d.size() == 3);
  const at::Tensor loss = branch->generator_step(b.image, b.edited, b.source, b.target);
  CHECK_FALSE(at::GradMode::is_enabled());
  CHECK(at::equal(at::detail::getDefaultCPUGenerator().get_state(), random));
  CHECK_FALSE(b.edited.grad().defined());
  // Mean over pixels of -log P(edit) at the mask branch's classes, from scratch.
  CHECK(loss.item<double>() == Approx(branch->generator_losses().back().second));
  CHECK(branch->generator_losses().back().first == "image_consistency");
  {
    const at::AutoGradMode gradients(true);
    loss.backward();
  }
  CHECK(b.edited.grad().abs().sum().item<double>() > 0);
}

TEST_CASE("a semantic branch's state holds all that a resumed run needs", "[training]") {
  const HostBatch b;
  SemanticBranchConfig config = small();
  if (GENERATE(false, true)) config.options.augment = {.shift = 0.25, .flip = 0.5};
  const auto both = [&](SemanticBranch& branch) {
    branch->discriminator_step(b.image, b.source, b.target);
    return branch->generator_step(b.image, b.edited, b.source, b.target).item<double>();
  };
  SemanticBranch straight(parser(), config);
  for (int i = 0; i < 3; ++i) both(straight);
  SemanticBranch cut(parser(), config);
  both(cut);
  NamedTensors saved;
  for (const auto& [name, tensor] : module_state(*cut)) saved.emplace_back(name, tensor.detach().clone());
  SemanticBranch resumed(parser(), config);
  both(resumed);
  both(resumed);  // somewhere else
  load_module_state(*resumed, saved, "", "saved");
  for (int i = 0; i < 2; ++i) both(resumed);
  const NamedTensors expected = module_state(*straight), found = module_state(*resumed);
  REQUIRE(expected.size() == found.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    INFO(expected[i].first);
    CHECK(at::equal(expected[i].second, found[i].second));
  }
}

TEST_CASE("a semantic branch augments both its updates, each call anew, and the host's loss not at all", "[training]") {
  const HostBatch b;
  SemanticBranchConfig config = small();
  const auto adversarial_of = [&](bool augmented) {
    config.options.augment.shift = augmented ? 0.5 : 0;
    // Weights stay as they are.
    config.options.generator_adam.learning_rate = config.options.discriminator_adam.learning_rate = 1e-30;
    SemanticBranch branch(parser(), config);
    std::vector<double> of_calls;
    for (int i = 0; i < 2; ++i) {
      of_calls.push_back(branch->discriminator_step(b.image, b.source, b.target).front().second);
      const double loss = branch->generator_step(b.image, b.edited, b.source, b.target).item<double>();
      of_calls.push_back(branch->generator_losses().front().second);
      CHECK(loss == Approx(branch->generator_losses().back().second));
    }
    of_calls.push_back(branch->generator_losses().back().second);
    return of_calls;
  };
  const std::vector<double> plain = adversarial_of(false), augmented = adversarial_of(true);
  CHECK(plain[0] != augmented[0]);
  CHECK(plain[1] != augmented[1]);
  CHECK(augmented[0] != augmented[2]);
  CHECK(augmented[1] != augmented[3]);
  CHECK(plain[4] == augmented[4]);
  config.options.augment.contrast = 0.5;
  CHECK_THROWS_WITH(SemanticBranch(parser(), config), "augment: masks have no brightness and no contrast, found 0 and 0.5");
}

TEST_CASE("a semantic branch names what does not fit", "[training]") {
  SemanticBranch branch(parser(), small());
  const HostBatch b;
  CHECK_THROWS_WITH(branch->discriminator_step(torch::rand({2, 3, 8, 8}), b.source, b.target),
                    Catch::Contains("image must be [N, 3, S, S]"));
  CHECK_THROWS_WITH(branch->discriminator_step(b.image, torch::zeros({2, 3}), b.target), Catch::Contains("source must be [N, A]"));
  CHECK_THROWS_WITH(branch->discriminator_step(b.image, b.source, b.target * 0.5), Catch::Contains("target must be 0 or 1, found 0.5"));
  CHECK_THROWS_WITH(branch->generator_step(b.image, b.image.slice(0, 0, 1), b.source, b.target),
                    Catch::Contains("image and edited must have the same shape"));
  CHECK_THROWS_WITH(branch->generator_step(b.image, b.edited.detach(), b.source, b.target),
                    Catch::Contains("edited must hang on the graph of the generator that made it"));
  CHECK_THROWS_WITH(branch->discriminator_step(b.image.to(at::kInt), b.source, b.target),
                    Catch::Contains("image must be floating point, found int32"));
  SemanticBranchConfig other = small();
  other.attributes = 0;
  CHECK_THROWS_WITH(SemanticBranch(parser(), other), Catch::Contains("attributes 0 is not positive"));
  CHECK(branch->discriminator_step(b.image.slice(0, 0, 0), b.source.slice(0, 0, 0), b.target.slice(0, 0, 0)).empty());
  CHECK(branch->generator_step(b.image.slice(0, 0, 0), b.edited.slice(0, 0, 0), b.source.slice(0, 0, 0), b.target.slice(0, 0, 0))
            .item<double>() == 0);
}
