#pragma once
/// Non-saturating GAN (Goodfellow et al., arXiv 1406.2661) with the gradient penalty R1 on real images (Mescheder et al., arXiv
/// 1801.04406).

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <string_view>

#include "secgan/losses/passes.hpp"
#include "secgan/ops/precision.hpp"

namespace secgan {

/// -E[log sigma(D(edit))]: what the generator minimizes.
struct NonSaturating {
  static constexpr std::string_view kName = "adversarial";
  at::Tensor operator()(const auto& pass) const { return at::softplus(-pass.edit_scores.adversarial).mean(); }
};

/// -E[log sigma(D(real))] - E[log(1 - sigma(D(fake)))]: what the discriminator minimizes.
struct Logistic {
  static constexpr std::string_view kName = "adversarial";
  at::Tensor operator()(const auto& pass) const {
    return at::softplus(pass.fake_scores.adversarial).mean() + at::softplus(-pass.real_scores.adversarial).mean();
  }
};

/// 1/2 E[||grad D(real)||_2^2], the norm over all values of one image.
struct R1Penalty {
  static constexpr std::string_view kName = "r1_penalty";
  at::Tensor operator()(const auto& pass) const {
    const at::Tensor gradient = torch::autograd::grad({pass.real_scores.adversarial.sum()}, {pass.real}, {}, /*retain_graph=*/true,
                                                      /*create_graph=*/true)[0];
    return 0.5 * full_precision(gradient).flatten(1).square().sum(1).mean();
  }
};

}  // namespace secgan
