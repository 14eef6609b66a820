#pragma once
/// Wasserstein GAN with gradient penalty (Gulrajani et al., arXiv 1704.00028).

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <string_view>

#include "secgan/losses/passes.hpp"
#include "secgan/ops/precision.hpp"

namespace secgan {

/// -E[D(edit)]: what the generator minimizes.
struct Adversarial {
  static constexpr std::string_view kName = "adversarial";
  at::Tensor operator()(const auto& pass) const { return -pass.edit_scores.adversarial.mean(); }
};

/// E[D(fake)] - E[D(real)]: what the discriminator minimizes; minus the estimated Wasserstein distance.
struct Wasserstein {
  static constexpr std::string_view kName = "adversarial";
  at::Tensor operator()(const auto& pass) const { return pass.fake_scores.adversarial.mean() - pass.real_scores.adversarial.mean(); }
};

/// A random point on the segment from each real image to its fake one, ready to be differentiated.
/// @param real, fake [N, C, H, W]   @param weight [N, 1, 1, 1] in [0, 1], the share of the fake
inline at::Tensor interpolate(const at::Tensor& real, const at::Tensor& fake, const at::Tensor& weight) {
  return at::lerp(real, fake, weight).detach().requires_grad_(true);
}

/// E[(||grad D(interpolate)||_2 - 1)^2], the norm over all values of one image.
struct GradientPenalty {
  static constexpr std::string_view kName = "gradient_penalty";
  /// Inside the root: the norm has no gradient at zero, and a NaN there ends a run.
  double epsilon = 1e-12;

  at::Tensor operator()(const auto& pass) const {
    const at::Tensor gradient = interpolate_gradient(pass);
    const at::Tensor norm = (full_precision(gradient).flatten(1).square().sum(1) + epsilon).sqrt();
    return (norm - 1).square().mean();
  }

 private:
  static at::Tensor interpolate_gradient(const auto& pass) {
    if constexpr (requires { pass.interpolate_gradient; }) {
      if (pass.interpolate_gradient.defined()) return pass.interpolate_gradient;
    }
    // grad, never backward(create_graph): that one keeps the graph alive through the leaves.
    return torch::autograd::grad({pass.interpolate_scores.adversarial.sum()}, {pass.interpolate}, {}, /*retain_graph=*/true,
                                 /*create_graph=*/true)[0];
  }
};

}  // namespace secgan
