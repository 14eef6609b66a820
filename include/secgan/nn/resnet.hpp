#pragma once
/// ResNet-18 and ResNet-34 (He et al., arXiv 1512.03385) as feature extractors, with torchvision's state.

#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <cstdint>
#include <vector>

#include "secgan/nn/blocks.hpp"

namespace secgan {

/// Residual blocks of each of the four stages.
using ResNetDepth = std::array<int64_t, 4>;
inline constexpr ResNetDepth kResNet18{2, 2, 2, 2};
inline constexpr ResNetDepth kResNet34{3, 4, 6, 3};

/// State: `conv1`, `bn1`, `layer{1..4}.{i}.{conv1, bn1, conv2, bn2, downsample.{0, 1}}`, `fc`. The classifier `fc` of
/// ImageNet's 1000 classes takes no part in the features; it is there, without gradient, so that public weights fit
/// entry by entry.
class ResNetImpl final : public torch::nn::Module {
 public:
  explicit ResNetImpl(const ResNetDepth& depth);

  /// @param image [N, 3, H, W], any sides
  /// @return what each stage gives, finest first: 64, 128, 256, 512 channels at 1/4, 1/8, 1/16, 1/32 of the sides,
  /// rounded up
  std::vector<at::Tensor> stages(const at::Tensor& image);

 private:
  torch::nn::Conv2d conv1_;
  torch::nn::BatchNorm2d bn1_;
  std::vector<Block> stages_;
};
TORCH_MODULE(ResNet);

}  // namespace secgan
