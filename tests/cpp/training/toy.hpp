#pragma once
/// Networks of a stranger: they satisfy the concepts and inherit nothing of the library.

#include <torch/torch.h>

#include <memory>
#include <vector>

#include "secgan/core/scores.hpp"

namespace secgan::testing {

/// A per-pixel affine map of channels, shifted by the difference vector.
struct ToyGenerator {
  at::Tensor weight;  // [C, C]
  at::Tensor shift;   // [C, A]

  ToyGenerator(int64_t channels, int64_t attributes, at::ScalarType type = at::kDouble)
      : weight((at::eye(channels, type) + 0.1 * torch::randn({channels, channels}, type)).requires_grad_(true)),
        shift((0.3 * torch::randn({channels, attributes}, type)).requires_grad_(true)) {}
  at::Tensor forward(const at::Tensor& image, const at::Tensor& difference) {
    const at::Tensor mixed = at::einsum("oc,nchw->nohw", {weight, image});
    return mixed + at::matmul(difference.to(image.dtype()), shift.t()).unsqueeze(-1).unsqueeze(-1);
  }
  std::vector<at::Tensor> parameters() const { return {weight, shift}; }
};

struct ToyDiscriminator {
  at::Tensor critic;      // [1, C]
  at::Tensor attributes;  // [A, C]

  ToyDiscriminator(int64_t channels, int64_t count, at::ScalarType type = at::kDouble)
      : critic(torch::randn({1, channels}, type).requires_grad_(true)),
        attributes(torch::randn({count, channels}, type).requires_grad_(true)) {}
  Scores forward(const at::Tensor& image) {
    const at::Tensor features = image.tanh().mean({2, 3});
    return {at::matmul(features, critic.t()), at::matmul(features, attributes.t())};
  }
  std::vector<at::Tensor> parameters() const { return {critic, attributes}; }
};

/// Segments by a fixed linear map of the photo's channels.
struct ToyParser {
  at::Tensor weight;  // [K, 3]
  at::Tensor log_probabilities(const at::Tensor& photo) { return at::einsum("kc,nchw->nkhw", {weight, photo}).log_softmax(1); }
};

}  // namespace secgan::testing
