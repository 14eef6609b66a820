#pragma once

#include <ATen/ATen.h>

#include "secgan/core/shape.hpp"
#include "secgan/ops/precision.hpp"

namespace secgan {

/// Cross-entropy of a target distribution against softmax(logits), in nats, averaged over pixels and batch.
/// SeCGAN's reconstruction term of the mask branch: -(1/HW) sum s_in log G_seg(s_in, 0).
/// Differentiable to any order; a composition of ATen ops. Half precision is summed, and returned, in float32.
/// @param logits [N, K, H, W] any real
/// @param target [N, K, H, W] probabilities over K; its gradient is followed if it requires one
/// @return scalar; 0 for an empty batch.  Throws InvalidArgument on other shapes.
inline at::Tensor soft_cross_entropy(const at::Tensor& logits, const at::Tensor& target) {
  check_shape(logits, "logits", {kAny, kAny, kAny, kAny}, "[N, K, H, W]");
  check_same_shape(logits, "logits", target, "target");
  const at::Tensor weighted = full_precision(target) * at::log_softmax(full_precision(logits), 1);
  if (weighted.sym_numel() == 0) return weighted.sum();
  return -weighted.sum(1).mean();
}

}  // namespace secgan
