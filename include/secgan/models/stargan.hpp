#pragma once
/// StarGAN (Choi et al., arXiv 1711.09020): residual blocks at a quarter of the side, attributes beside the photo's
/// channels, a critic that scores patches.

#include <torch/nn/modules/conv.h>

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

/// StarGAN's generator, named as in the public version.
struct SECGAN_API StarGanGeneratorOptions {
  int64_t conv_dim = 64;
  int64_t repeat_num = 6;
  Normalization norm_fn = Normalization::kTrackedInstance;
  Upsampling upsampling = Upsampling::kTransposed;

  static constexpr auto fields() {
    using O = StarGanGeneratorOptions;
    return std::tuple{
        field<&O::conv_dim>("channels at full size, then doubled twice", rule::kExtent),
        field<&O::repeat_num>("residual blocks at a quarter of the side", rule::kExtentOrNone),
        field<&O::norm_fn>("norm; as PyTorch's eval mode has it: instancenorm-running"),
        field<&O::upsampling>("how the side is doubled; published: transposed"),
    };
  }

  static constexpr std::string_view kBackbone = "stargan";
  static constexpr NetworkRole kRole = NetworkRole::kGenerator;
  static void check(const NetworkSpec& spec);
  static StarGanGeneratorOptions small(int64_t width);
  static bool recognize(const StateShapes& state, NetworkSpec& spec, StarGanGeneratorOptions& options);
};

/// StarGAN's discriminator, named as in the public version.
struct SECGAN_API StarGanDiscriminatorOptions {
  int64_t conv_dim = 64;
  int64_t repeat_num = 6;
  double slope = 0.01;
  int64_t max_dim = 0;

  static constexpr auto fields() {
    using O = StarGanDiscriminatorOptions;
    return std::tuple{
        field<&O::conv_dim>("channels of the first layer, then doubled", rule::kExtent),
        field<&O::repeat_num>("layers; each halves the side", rule::kLayers),
        field<&O::slope>("negative slope of leaky ReLU"),
        field<&O::max_dim>("cap on every layer's channels; 0: none, as published", rule::kExtentOrNone),
    };
  }

  static constexpr std::string_view kBackbone = "stargan";
  static constexpr NetworkRole kRole = NetworkRole::kDiscriminator;
  void check(const NetworkSpec& spec) const;
  static StarGanDiscriminatorOptions small(int64_t width);
  static bool recognize(const StateShapes& state, NetworkSpec& spec, StarGanDiscriminatorOptions& options);
};

/// The attributes enter with the photo, so `encode` gives the photo itself and `decode` does all the work.
/// State: `main.{i}.*`, residual blocks `main.{i}.main.{0 conv, 1 norm, 3 conv, 4 norm}.*`.
class SECGAN_API StarGanGeneratorImpl final : public GeneratorImpl {
 public:
  using Options = StarGanGeneratorOptions;
  StarGanGeneratorImpl(const NetworkSpec& spec, const Options& options);

 private:
  std::vector<at::Tensor> encode_image(const at::Tensor& image) override { return {image}; }
  at::Tensor decode_features(const std::vector<at::Tensor>& features, const at::Tensor& attributes) override;

  Block main_;
};

/// Scores.adversarial is a patch map [N, 1, S / 2^repeat_num, S / 2^repeat_num].
/// State: `main.{2 i}.*`, `conv1.weight`, `conv2.weight`.
class SECGAN_API StarGanDiscriminatorImpl final : public DiscriminatorImpl {
 public:
  using Options = StarGanDiscriminatorOptions;
  StarGanDiscriminatorImpl(const NetworkSpec& spec, const Options& options);

  std::optional<PenalizedScores> penalized_scores(const at::Tensor& real, const at::Tensor& fake, const at::Tensor& between) override;

 private:
  Scores score(const at::Tensor& image) override;

  Block main_;
  torch::nn::Conv2d patches_{nullptr};
  torch::nn::Conv2d attributes_{nullptr};
};

}  // namespace secgan
