#pragma once

#include <ATen/ATen.h>

#include <array>
#include <atomic>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "secgan/core/error.hpp"
#include "secgan/core/export.hpp"
#include "secgan/core/fast_paths.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/ops/precision.hpp"
#include "secgan/ops/segmentation.hpp"

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

namespace detail {

/// Those of (image_term, mask_term) that are wanted, of hard targets; nullopt for what the kernel does not take.
using HardConsistency = std::optional<std::array<at::Tensor, 2>> (*)(const Segmentation& image, const Segmentation& mask,
                                                                     std::array<bool, 2> wanted);

/// libsecgan's kernel; null in a program of the headers alone. One for the process: hence visible.
SECGAN_API inline std::atomic<HardConsistency>& hard_consistency() {
  static std::atomic<HardConsistency> kernel{nullptr};
  return kernel;
}

inline std::optional<std::array<at::Tensor, 2>> fast_consistency(const Segmentation& image, const Segmentation& mask,
                                                                 ConsistencyTarget target, std::array<bool, 2> wanted) {
  const HardConsistency kernel = hard_consistency().load();
  if (target != ConsistencyTarget::kHard || kernel == nullptr || !fast_paths()) return std::nullopt;
  return kernel(image, mask, wanted);
}

inline void check_segmentations(const Segmentation& a, const char* a_name, const Segmentation& b, const char* b_name) {
  const auto shape_of = [](const Segmentation& given, const char* name) {
    const int64_t classes = given.groups().empty() ? kAny : static_cast<int64_t>(given.groups().size());
    const at::Tensor logits = given.logits();
    check_shape(logits, name, {kAny, classes, kAny, kAny}, "[N, classes, H, W]");
    std::vector<c10::SymInt> shape = logits.sym_sizes().vec();
    shape[1] = given.classes();
    return shape;
  };
  const std::vector<c10::SymInt> a_shape = shape_of(a, a_name), b_shape = shape_of(b, b_name);
  if (a_shape == b_shape) return;
  std::ostringstream message;
  message << a_name << " and " << b_name << " must have the same merged shape, found " << c10::SymIntArrayRef(a_shape) << " and "
          << c10::SymIntArrayRef(b_shape);
  throw InvalidArgument(message.str());
}

}  // namespace detail

/// The same of segmentations whose log-probabilities are not computed yet: what the tensors' function gives for log_probs() of both, and on
/// a CPU many times faster for hard targets.
inline at::Tensor segmentation_cross_entropy(const Segmentation& segmentation, const Segmentation& target_segmentation,
                                             ConsistencyTarget target = ConsistencyTarget::kHard) {
  detail::check_segmentations(segmentation, "segmentation", target_segmentation, "target_segmentation");
  if (const auto terms = detail::fast_consistency(segmentation, target_segmentation, target, {true, false})) return (*terms)[0];
  return segmentation_cross_entropy(segmentation.log_probs(), target_segmentation.log_probs(), target);
}

/// The same of segmentations whose log-probabilities are not computed yet.
/// @param image, mask  [N, classes, H, W] logits each, of the same N, H, W and merged classes
/// @return (image_term, mask_term), scalars in nats
inline std::tuple<at::Tensor, at::Tensor> semantic_consistency(const Segmentation& image, const Segmentation& mask,
                                                               ConsistencyTarget target = ConsistencyTarget::kHard) {
  detail::check_segmentations(image, "image", mask, "mask");
  if (const auto terms = detail::fast_consistency(image, mask, target, {true, true})) return {(*terms)[0], (*terms)[1]};
  return semantic_consistency(image.log_probs(), mask.log_probs(), target);
}

}  // namespace secgan
