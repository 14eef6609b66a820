#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "secgan/models/attgan.hpp"
#include "secgan/models/stargan.hpp"
#include "secgan/models/stgan.hpp"
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
  const NetworkSpec spec{.attributes = 2, .image_size = 16};
  const AttGanGeneratorOptions options{.enc_dim = 4, .enc_layers = 2, .dec_dim = 4, .dec_layers = 2};
  Generator ours = make_generator(spec, options), theirs = make_generator(spec, options);
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
  const NetworkSpec spec{.attributes = 2, .image_size = 64};
  for (const GeneratorOptions& options :
       {GeneratorOptions(AttGanGeneratorOptions{.enc_dim = 4, .enc_norm_fn = Normalization::kSwitchable, .dec_dim = 4}),
        GeneratorOptions(StganGeneratorOptions{.conv_dim = 4}), GeneratorOptions(StarGanGeneratorOptions{.conv_dim = 4})}) {
    check_every_tensor(*make_generator(spec, options));
  }
  for (const DiscriminatorOptions& options :
       {DiscriminatorOptions(AttGanDiscriminatorOptions{.dim = 4, .fc_norm_fn = Normalization::kBatch}),
        DiscriminatorOptions(StganDiscriminatorOptions{.conv_dim = 4}), DiscriminatorOptions(StarGanDiscriminatorOptions{.conv_dim = 4})}) {
    check_every_tensor(*make_discriminator(spec, options));
  }
  for (const auto& [name, network] : kParserNetworks) check_every_tensor(*make_parser({.options = {.network = network}}));
}
