#pragma once
/// A discriminator's pass with a gradient penalty, differentiated by hand. Autograd's double backward of a convolution or an instance norm
/// takes many times what its first takes, and each weight gets a gradient from real and fake images, one from the interpolates and one from
/// their gradient. A chain of maps that are linear or have a short second derivative needs no graph: forward, the input's gradient, the
/// same chain forward along the penalty's covector, and one backward pass with a single product for each weight (after Gulrajani et al.,
/// arXiv 1704.00028, eq. 3).

#include <torch/nn/module.h>

#include <memory>
#include <optional>
#include <vector>

#include "secgan/core/scores.hpp"
#include "secgan/nn/blocks.hpp"

namespace secgan {

/// A discriminator that is a chain of layers and two such chains as heads.
struct CriticLayers {
  using Chain = std::vector<std::shared_ptr<torch::nn::Module>>;
  Chain trunk;
  Chain adversarial;
  Chain attributes;
};

/// The parts of blocks, one after the other.
CriticLayers::Chain chain_of(const std::vector<Block>& blocks);

/// Running statistics of instance norms move as by passes of real, fake and interpolated images.
/// @param real, fake, between [N, C, H, W] of one size, constants
/// @return in the type that autocast asks for, scores and gradient in full precision; nullopt where a layer is no convolution, linear map,
///         instance norm or (leaky) ReLU
std::optional<PenalizedScores> penalized_scores(const CriticLayers& layers, const at::Tensor& real, const at::Tensor& fake,
                                                const at::Tensor& between);

}  // namespace secgan
