#pragma once
/// Which network a dictionary of weights belongs to, and with which options: read off names and shapes.

#include <optional>
#include <string>
#include <variant>

#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/models/inception_v3.hpp"
#include "secgan/nn/resnet.hpp"
#include "secgan/nn/state.hpp"
#include "secgan/parsing/parser.hpp"

namespace secgan {

using NetworkOptions = std::variant<GeneratorOptions, DiscriminatorOptions, ParserOptions, InceptionV3Options, ResNetOptions>;

/// The options of the network that has such a state, in the layout of AttGAN-PyTorch, STGAN-pytorch, StarGAN,
/// face-parsing (both dialects) or torchvision (Inception v3, ResNets). What no shape tells (slopes, activations, a
/// generator's side) comes from `base` where that is of the same kind, else from the defaults.
/// @return nullopt for a state of none of these
std::optional<NetworkOptions> recognize(const NamedTensors& state, const NetworkOptions* base = nullptr);

/// "generator attgan, 13 attributes" and the like, for people.
std::string describe(const NetworkOptions& options);

/// The options in which `found` departs from `expected`, as "attgan.shortcut_layers = 1 (expected 3), …"; empty when none.
std::string differences(const NetworkOptions& found, const NetworkOptions& expected);

}  // namespace secgan
