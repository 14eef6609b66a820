#pragma once
/// Which network a dictionary of weights belongs to, and with which options: read off names and shapes.

#include <optional>
#include <string>
#include <variant>

#include "secgan/core/export.hpp"
#include "secgan/core/named_tensors.hpp"
#include "secgan/models/inception_v3.hpp"
#include "secgan/models/options.hpp"
#include "secgan/nn/resnet.hpp"
#include "secgan/parsing/parser.hpp"

namespace secgan {

/// A network of this library in full.
using AnyConfig = std::variant<GeneratorConfig, DiscriminatorConfig, ParserConfig, InceptionV3Options, ResNetOptions>;

/// The network that has such a state, in the layout of AttGAN-PyTorch, STGAN-pytorch, StarGAN, face-parsing (both dialects), torchvision
/// (Inception v3, ResNets) or a backbone that was added. What no shape tells (slopes, activations, a generator's side) comes from `base`
/// where that is of the same kind, else from the defaults.
/// @return nullopt for a state of none of these: whatever the options that were found imply must be there, in its shape, and nothing else
SECGAN_API std::optional<AnyConfig> recognize(const NamedTensors& state, const AnyConfig* base = nullptr);

/// "generator 'attgan' of 13 attributes" and the like, for people.
SECGAN_API std::string describe(const AnyConfig& config);

/// The options in which `found` departs from `expected`, as "attgan.shortcut_layers = 1 (here 0), …"; empty when none, or for networks of
/// two kinds.
SECGAN_API std::string differences(const AnyConfig& found, const AnyConfig& expected);

}  // namespace secgan
