#pragma once
/// AttGAN (He et al., arXiv 1711.10678): encoder-decoder generator with attributes injected at the bottleneck.

#include <torch/nn/modules/container/modulelist.h>

#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"

namespace secgan {

/// State: `enc_layers.{i}.layers.{0 conv, 1 norm}`, `dec_layers.{i}.layers.{0 transposed conv, 1 norm}`.
class AttGanGeneratorImpl final : public GeneratorImpl {
 public:
  explicit AttGanGeneratorImpl(const GeneratorOptions& options);

 private:
  std::vector<at::Tensor> encode_image(const at::Tensor& image) override;
  at::Tensor decode_features(const std::vector<at::Tensor>& features, const at::Tensor& attributes) override;

  std::vector<Block> encoder_;
  std::vector<Block> decoder_;
  int64_t shortcuts_;
  int64_t injections_;
};

/// State: `conv.{i}.layers.*`, `fc_adv.{0,1}.layers.0.*`, `fc_cls.{0,1}.layers.0.*`.
class AttGanDiscriminatorImpl final : public DiscriminatorImpl {
 public:
  explicit AttGanDiscriminatorImpl(const DiscriminatorOptions& options);

 private:
  Scores score(const at::Tensor& image) override;

  std::vector<Block> conv_;
  std::vector<Block> adversarial_head_;
  std::vector<Block> attribute_head_;
};

}  // namespace secgan
