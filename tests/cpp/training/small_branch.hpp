#pragma once
/// Every backbone with few channels, as a branch for 32 px.

#include <torch/torch.h>

#include <string>

#include "secgan/models/attgan.hpp"
#include "secgan/models/stargan.hpp"
#include "secgan/models/stgan.hpp"
#include "secgan/training/branch.hpp"

namespace secgan::testing {

inline GeneratorOptions small_generator(const std::string& backbone) {
  if (backbone == "attgan") return AttGanGeneratorOptions{.enc_dim = 8, .enc_layers = 3, .dec_dim = 8, .dec_layers = 3};
  if (backbone == "stgan") return StganGeneratorOptions{.conv_dim = 8, .n_layers = 3, .shortcut_layers = 2};
  return StarGanGeneratorOptions{.conv_dim = 8, .repeat_num = 1};
}

inline DiscriminatorOptions small_discriminator(const std::string& backbone) {
  if (backbone == "attgan") return AttGanDiscriminatorOptions{.dim = 8, .fc_dim = 32, .n_layers = 3};
  if (backbone == "stgan") return StganDiscriminatorOptions{.conv_dim = 8, .fc_dim = 32, .n_layers = 3};
  return StarGanDiscriminatorOptions{.conv_dim = 8, .repeat_num = 3};
}

inline Branch<Generator, Discriminator, Adam> small_branch(const std::string& backbone, const NetworkSpec& spec) {
  Generator generator = make_generator(spec, small_generator(backbone));
  Discriminator discriminator = make_discriminator(spec, small_discriminator(backbone));
  return {generator, discriminator, Adam(generator->parameters(), {.learning_rate = 2e-3}),
          Adam(discriminator->parameters(), {.learning_rate = 2e-3})};
}

}  // namespace secgan::testing
