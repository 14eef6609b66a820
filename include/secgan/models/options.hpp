#pragma once
/// Options of the networks: plain aggregates, a default and a reason per field. Names follow the public versions.

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "secgan/core/fields.hpp"
#include "secgan/nn/blocks.hpp"

namespace secgan {

enum class Backbone { kAttGan };
inline constexpr std::array<std::pair<std::string_view, Backbone>, 1> kBackbones{{{"attgan", Backbone::kAttGan}}};
template <>
struct EnumNames<Backbone> {
  static constexpr auto& table = kBackbones;
  static constexpr std::string_view what = "backbone";
};

enum class OutputActivation {
  kTanh,     ///< photos in [-1, 1]
  kSoftmax,  ///< probabilities over the channels
  kLogits,   ///< none; what a mask branch is trained with
};
inline constexpr std::array<std::pair<std::string_view, OutputActivation>, 3> kOutputActivations{
    {{"tanh", OutputActivation::kTanh}, {"softmax", OutputActivation::kSoftmax}, {"logits", OutputActivation::kLogits}}};
template <>
struct EnumNames<OutputActivation> {
  static constexpr auto& table = kOutputActivations;
  static constexpr std::string_view what = "output";
};

/// AttGAN's generator (He et al., arXiv 1711.10678), as in AttGAN-PyTorch.
struct AttGanGeneratorOptions {
  int64_t enc_dim = 64;                                   ///< channels of the first encoder layer, then doubled
  int64_t enc_layers = 5;                                 ///< each halves the side
  Normalization enc_norm_fn = Normalization::kBatch;
  Activation enc_acti_fn = Activation::kLeakyRelu;
  int64_t dec_dim = 64;                                   ///< channels before the last decoder layer
  int64_t dec_layers = 5;                                 ///< must equal enc_layers
  Normalization dec_norm_fn = Normalization::kBatch;
  Activation dec_acti_fn = Activation::kRelu;
  int64_t shortcut_layers = 1;                            ///< decoder layers followed by an encoder skip; at most layers − 1
  int64_t inject_layers = 0;                              ///< decoder layers followed by the attributes again
  int64_t max_dim = 1024;                                 ///< cap on every layer's channels
  double slope = 0.01;                                    ///< leaky ReLU
  Upsampling upsampling = Upsampling::kTransposed;        ///< published: transposed

  static void visit(auto& self, auto&& visit) {
    visit("enc_dim", self.enc_dim);
    visit("enc_layers", self.enc_layers);
    visit("enc_norm_fn", self.enc_norm_fn);
    visit("enc_acti_fn", self.enc_acti_fn);
    visit("dec_dim", self.dec_dim);
    visit("dec_layers", self.dec_layers);
    visit("dec_norm_fn", self.dec_norm_fn);
    visit("dec_acti_fn", self.dec_acti_fn);
    visit("shortcut_layers", self.shortcut_layers);
    visit("inject_layers", self.inject_layers);
    visit("max_dim", self.max_dim);
    visit("slope", self.slope);
    visit("upsampling", self.upsampling);
  }
  void validate(int64_t image_size) const;
};

/// AttGAN's discriminator with attribute classifier, as in AttGAN-PyTorch (with the command line's ReLU heads).
struct AttGanDiscriminatorOptions {
  int64_t dim = 64;                                     ///< channels of the first layer, then doubled
  Normalization norm_fn = Normalization::kInstance;
  Activation acti_fn = Activation::kLeakyRelu;
  int64_t fc_dim = 1024;                                ///< width of both heads
  Activation fc_acti_fn = Activation::kRelu;
  int64_t n_layers = 5;                                 ///< each halves the side
  int64_t max_dim = 1024;                               ///< cap on every layer's channels
  double slope = 0.01;                                  ///< leaky ReLU

  static void visit(auto& self, auto&& visit) {
    visit("dim", self.dim);
    visit("norm_fn", self.norm_fn);
    visit("acti_fn", self.acti_fn);
    visit("fc_dim", self.fc_dim);
    visit("fc_acti_fn", self.fc_acti_fn);
    visit("n_layers", self.n_layers);
    visit("max_dim", self.max_dim);
    visit("slope", self.slope);
  }
  void validate(int64_t image_size) const;
};

struct GeneratorOptions {
  Backbone backbone = Backbone::kAttGan;
  int64_t attributes = 13;      ///< length of the difference vector
  int64_t image_size = 128;     ///< side in pixels; a multiple of 2^layers
  int64_t image_channels = 3;   ///< 3 for photos, the number of classes for masks
  OutputActivation output = OutputActivation::kTanh;
  AttGanGeneratorOptions attgan = {};  ///< read when backbone is kAttGan

  static void visit(auto& self, auto&& visit) {
    visit("backbone", self.backbone);
    visit("attributes", self.attributes);
    visit("image_size", self.image_size);
    visit("image_channels", self.image_channels);
    visit("output", self.output);
    if (self.backbone == Backbone::kAttGan) visit("attgan", self.attgan);
  }
  /// @throws InvalidArgument naming the option, the rule and the value.
  void validate() const;
};

struct DiscriminatorOptions {
  Backbone backbone = Backbone::kAttGan;
  int64_t attributes = 13;
  int64_t image_size = 128;
  int64_t image_channels = 3;
  AttGanDiscriminatorOptions attgan = {};  ///< read when backbone is kAttGan

  static void visit(auto& self, auto&& visit) {
    visit("backbone", self.backbone);
    visit("attributes", self.attributes);
    visit("image_size", self.image_size);
    visit("image_channels", self.image_channels);
    if (self.backbone == Backbone::kAttGan) visit("attgan", self.attgan);
  }
  void validate() const;
};

}  // namespace secgan
