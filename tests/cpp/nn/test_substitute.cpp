#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/nn/substitute.hpp"
#include "secgan/parsing/parser.hpp"

using namespace secgan;

namespace {

/// Every tensor of the network can be lent, and none stays behind.
void check_every_tensor(torch::nn::Module& network) {
  for (const auto& [name, tensor] : module_state(network)) {
    INFO(name);
    CHECK_NOTHROW(Substitution(network, {{name, at::zeros_like(tensor)}}));
  }
}

}  // namespace

TEST_CASE("a module computes with lent tensors, and with its own again", "[nn]") {
  torch::manual_seed(1);
  GeneratorOptions options{.attributes = 2, .image_size = 16};
  options.attgan.enc_dim = options.attgan.dec_dim = 4;
  options.attgan.enc_layers = options.attgan.dec_layers = 2;
  Generator ours = make_generator(options), theirs = make_generator(options);
  ours->eval();
  theirs->eval();
  const at::Tensor image = torch::rand({2, 3, 16, 16}), edit = torch::ones({2, 2});
  const at::Tensor mine = ours->forward(image, edit), wanted = theirs->forward(image, edit);
  NamedTensors lent;
  for (const auto& [name, tensor] : module_state(*theirs))
    lent.emplace_back(name, tensor.detach().clone().requires_grad_(tensor.requires_grad()));
  {
    const Substitution substitution(*ours, lent);
    const at::Tensor answer = ours->forward(image, edit);
    CHECK(at::equal(answer, wanted));
    answer.sum().backward();
    CHECK(lent[0].second.grad().defined());
    CHECK_FALSE(ours->parameters()[0].grad().defined());
  }
  CHECK(at::equal(ours->forward(image, edit), mine));
  CHECK_THROWS_WITH(Substitution(*ours, {{"enc_layers.0.layers.0.weights", image}}), Catch::Contains("is none of the network's"));
  CHECK_THROWS_WITH(Substitution(*ours, {{"enc_layers.0.layers.0.weight", image}}),
                    Catch::Contains("must be of shape [4, 3, 4, 4], found [2, 3, 16, 16]"));
}

TEST_CASE("every tensor of every network can be lent", "[nn]") {
  for (const Backbone backbone : {Backbone::kAttGan, Backbone::kStgan, Backbone::kStarGan}) {
    GeneratorOptions generator{.backbone = backbone, .attributes = 2, .image_size = 64};
    generator.attgan.enc_dim = generator.attgan.dec_dim = generator.stgan.conv_dim = generator.stargan.conv_dim = 4;
    generator.attgan.enc_norm_fn = Normalization::kSwitchable;
    check_every_tensor(*make_generator(generator));
    DiscriminatorOptions discriminator{.backbone = backbone, .attributes = 2, .image_size = 64};
    discriminator.attgan.dim = discriminator.stgan.conv_dim = discriminator.stargan.conv_dim = 4;
    discriminator.attgan.fc_norm_fn = Normalization::kBatch;
    check_every_tensor(*make_discriminator(discriminator));
  }
  for (const auto& [name, network] : kParserNetworks) check_every_tensor(*make_parser({.network = network}));
}
