#pragma once
/// AttGAN (He et al., arXiv 1711.10678): encoder-decoder generator with attributes injected at the bottleneck.

#include <torch/nn/modules/container/modulelist.h>

#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/nn/blocks.hpp"
#include "secgan/nn/state_shapes.hpp"

namespace secgan {

/// AttGAN's generator (He et al., arXiv 1711.10678), as in AttGAN-PyTorch.
struct SECGAN_API AttGanGeneratorOptions {
  int64_t enc_dim = 64;
  int64_t enc_layers = 5;
  Normalization enc_norm_fn = Normalization::kBatch;
  Activation enc_acti_fn = Activation::kLeakyRelu;
  int64_t dec_dim = 64;
  int64_t dec_layers = 5;
  Normalization dec_norm_fn = Normalization::kBatch;
  Activation dec_acti_fn = Activation::kRelu;
  int64_t shortcut_layers = 1;
  int64_t inject_layers = 0;
  int64_t max_dim = 1024;
  double slope = 0.01;
  Upsampling upsampling = Upsampling::kTransposed;

  static constexpr auto fields() {
    using O = AttGanGeneratorOptions;
    return std::tuple{
        field<&O::enc_dim>("channels of the first encoder layer, then doubled", rule::kExtent),
        field<&O::enc_layers>("each halves the side", rule::kLayers),
        field<&O::enc_norm_fn>("norm of the encoder"),
        field<&O::enc_acti_fn>("activation of the encoder"),
        field<&O::dec_dim>("channels before the last decoder layer", rule::kExtent),
        field<&O::dec_layers>("must equal enc_layers", rule::kLayers),
        field<&O::dec_norm_fn>("norm of the decoder"),
        field<&O::dec_acti_fn>("activation of the decoder"),
        field<&O::shortcut_layers>("decoder layers followed by an encoder skip; at most layers − 1", rule::kExtentOrNone),
        field<&O::inject_layers>("decoder layers followed by the attributes again", rule::kExtentOrNone),
        field<&O::max_dim>("cap on every layer's channels", rule::kExtent),
        field<&O::slope>("negative slope of leaky ReLU"),
        field<&O::upsampling>("how the decoder doubles the side; published: transposed"),
    };
  }

  static constexpr std::string_view kBackbone = "attgan";
  static constexpr NetworkRole kRole = NetworkRole::kGenerator;
  void check(const NetworkSpec& spec) const;
  static AttGanGeneratorOptions small(int64_t width);
  static bool recognize(const StateShapes& state, NetworkSpec& spec, AttGanGeneratorOptions& options);
};

/// AttGAN's discriminator with attribute classifier, as in AttGAN-PyTorch (with the command line's ReLU heads).
struct SECGAN_API AttGanDiscriminatorOptions {
  int64_t dim = 64;
  Normalization norm_fn = Normalization::kInstance;
  Activation acti_fn = Activation::kLeakyRelu;
  int64_t fc_dim = 1024;
  Normalization fc_norm_fn = Normalization::kNone;
  Activation fc_acti_fn = Activation::kRelu;
  int64_t n_layers = 5;
  int64_t max_dim = 1024;
  double slope = 0.01;

  static constexpr auto fields() {
    using O = AttGanDiscriminatorOptions;
    return std::tuple{
        field<&O::dim>("channels of the first layer, then doubled", rule::kExtent),
        field<&O::norm_fn>("norm of the convolutions"),
        field<&O::acti_fn>("activation of the convolutions"),
        field<&O::fc_dim>("width of both heads", rule::kExtent),
        field<&O::fc_norm_fn>("of the heads; none, batchnorm or switchnorm"),
        field<&O::fc_acti_fn>("activation of the heads"),
        field<&O::n_layers>("each halves the side", rule::kLayers),
        field<&O::max_dim>("cap on every layer's channels", rule::kExtent),
        field<&O::slope>("negative slope of leaky ReLU"),
    };
  }

  static constexpr std::string_view kBackbone = "attgan";
  static constexpr NetworkRole kRole = NetworkRole::kDiscriminator;
  void check(const NetworkSpec& spec) const;
  static AttGanDiscriminatorOptions small(int64_t width);
  static bool recognize(const StateShapes& state, NetworkSpec& spec, AttGanDiscriminatorOptions& options);
};

/// State: `enc_layers.{i}.layers.{0 conv, 1 norm}`, `dec_layers.{i}.layers.{0 transposed conv, 1 norm}`.
class SECGAN_API AttGanGeneratorImpl final : public GeneratorImpl {
 public:
  using Options = AttGanGeneratorOptions;
  AttGanGeneratorImpl(const NetworkSpec& spec, const Options& options);

 private:
  std::vector<at::Tensor> encode_image(const at::Tensor& image) override;
  at::Tensor decode_features(const std::vector<at::Tensor>& features, const at::Tensor& attributes) override;

  std::vector<Block> encoder_;
  std::vector<Block> decoder_;
  int64_t shortcuts_;
  int64_t injections_;
};

/// State: `conv.{i}.layers.*`, `fc_adv.{0,1}.layers.0.*`, `fc_cls.{0,1}.layers.0.*`.
class SECGAN_API AttGanDiscriminatorImpl final : public DiscriminatorImpl {
 public:
  using Options = AttGanDiscriminatorOptions;
  AttGanDiscriminatorImpl(const NetworkSpec& spec, const Options& options);

  std::optional<PenalizedScores> penalized_scores(const at::Tensor& real, const at::Tensor& fake, const at::Tensor& between) override;

 private:
  Scores score(const at::Tensor& image) override;

  std::vector<Block> conv_;
  std::vector<Block> adversarial_head_;
  std::vector<Block> attribute_head_;
};

}  // namespace secgan
