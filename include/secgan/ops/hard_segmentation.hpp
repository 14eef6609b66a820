#pragma once

#include <ATen/ATen.h>

namespace secgan {

/// The one-hot segmentation of scores: 1 at the arg-max over the classes, 0 elsewhere; without gradient.
/// @param scores [N, K, H, W] logits, probabilities or their logarithms   @return [N, K, H, W]
inline at::Tensor hard_segmentation(const at::Tensor& scores) {
  return at::zeros_like(scores).scatter_(1, scores.argmax(1, /*keepdim=*/true), 1.0);
}

}  // namespace secgan
