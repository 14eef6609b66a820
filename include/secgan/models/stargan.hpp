#pragma once
/// StarGAN (Choi et al., arXiv 1711.09020): residual blocks at a quarter of the side, attributes beside the photo's
/// channels, a critic that scores patches.

#include <torch/nn/modules/conv.h>

#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"

namespace secgan {

/// The attributes enter with the photo, so `encode` gives the photo itself and `decode` does all the work.
/// State: `main.{i}.*`, residual blocks `main.{i}.main.{0 conv, 1 norm, 3 conv, 4 norm}.*`.
class StarGanGeneratorImpl final : public GeneratorImpl {
 public:
  explicit StarGanGeneratorImpl(const GeneratorOptions& options);

 private:
  std::vector<at::Tensor> encode_image(const at::Tensor& image) override { return {image}; }
  at::Tensor decode_features(const std::vector<at::Tensor>& features, const at::Tensor& attributes) override;

  Block main_;
};

/// Scores.adversarial is a patch map [N, 1, S / 2^repeat_num, S / 2^repeat_num].
/// State: `main.{2 i}.*`, `conv1.weight`, `conv2.weight`.
class StarGanDiscriminatorImpl final : public DiscriminatorImpl {
 public:
  explicit StarGanDiscriminatorImpl(const DiscriminatorOptions& options);

 private:
  Scores score(const at::Tensor& image) override;

  Block main_;
  torch::nn::Conv2d patches_{nullptr};
  torch::nn::Conv2d attributes_{nullptr};
};

}  // namespace secgan
