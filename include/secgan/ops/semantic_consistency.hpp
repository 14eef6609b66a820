#pragma once

#include <ATen/ATen.h>

#include <array>
#include <string>
#include <string_view>
#include <tuple>

#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/ops/precision.hpp"

namespace secgan {

/// What the constant side of a consistency term is (the paper leaves it open).
enum class ConsistencyTarget {
  kHard,             ///< one-hot of the arg-max, detached: the default
  kSoft,             ///< the probabilities, detached
  kStraightThrough,  ///< one-hot forward, the probabilities' gradient backward: the target side is trained as well
};

inline constexpr std::array<std::pair<std::string_view, ConsistencyTarget>, 3> kConsistencyTargets{{
    {"hard", ConsistencyTarget::kHard},
    {"soft", ConsistencyTarget::kSoft},
    {"straight_through", ConsistencyTarget::kStraightThrough},
}};

/// Cross-entropy of one side's segmentation under the other's log-probabilities, in nats, averaged over pixels
/// and batch: -(1/HW) sum target(exp(given_target_log_probs)) * given_log_probs.
/// @param given_log_probs, given_target_log_probs [N, K, H, W] log-probabilities over K; messages name them log_probs, target_log_probs
/// @return scalar, of half precision in float32; 0 for an empty batch.
inline at::Tensor segmentation_cross_entropy(const at::Tensor& given_log_probs, const at::Tensor& given_target_log_probs,
                                             ConsistencyTarget target = ConsistencyTarget::kHard) {
  check_shape(given_log_probs, "log_probs", {kAny, kAny, kAny, kAny}, "[N, K, H, W]");
  check_same_shape(given_log_probs, "log_probs", given_target_log_probs, "target_log_probs");
  const at::Tensor log_probs = full_precision(given_log_probs), target_log_probs = full_precision(given_target_log_probs);
  if (log_probs.sym_numel() == 0) return log_probs.sum();
  if (target == ConsistencyTarget::kHard) {
    // Picking the arg-max class's log-probability is the product with the one-hot, without building it.
    return -log_probs.gather(1, target_log_probs.argmax(1, /*keepdim=*/true)).mean();
  }
  at::Tensor weights = target_log_probs.exp();
  if (target == ConsistencyTarget::kSoft) {
    weights = weights.detach();
  } else {
    const at::Tensor hard = at::zeros_like(weights).scatter(1, target_log_probs.argmax(1, /*keepdim=*/true), 1.0);
    weights = weights + (hard - weights).detach();
  }
  return -(weights * log_probs).sum(1).mean();
}

/// SeCGAN's semantic consistency: the photo branch's edit, seen by the frozen parser, and the mask branch's edit
/// must agree. Source: SeCGAN (arXiv 2111.09298).
/// @param image_log_probs [N, K, H, W] log P(x_out): the parser's log-probabilities of the edited photo
/// @param mask_log_probs  [N, K, H, W] log of the edited mask
/// @return (image_term, mask_term), scalars in nats. With a detached target the first trains the photo branch only
///         (through P into x_out), the second the mask branch only.
inline std::tuple<at::Tensor, at::Tensor> semantic_consistency(const at::Tensor& image_log_probs, const at::Tensor& mask_log_probs,
                                                               ConsistencyTarget target = ConsistencyTarget::kHard) {
  check_shape(image_log_probs, "image_log_probs", {kAny, kAny, kAny, kAny}, "[N, K, H, W]");
  check_same_shape(image_log_probs, "image_log_probs", mask_log_probs, "mask_log_probs");
  return {segmentation_cross_entropy(image_log_probs, mask_log_probs, target),
          segmentation_cross_entropy(mask_log_probs, image_log_probs, target)};
}

}  // namespace secgan
