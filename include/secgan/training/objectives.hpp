#pragma once
/// SeCGAN's objectives as formulas (arXiv 2111.09298).

#include "secgan/losses/adversarial.hpp"
#include "secgan/losses/attribute.hpp"
#include "secgan/losses/consistency.hpp"
#include "secgan/losses/objective.hpp"
#include "secgan/losses/reconstruction.hpp"
#include "secgan/training/secgan_options.hpp"

namespace secgan {

/// Of either branch.
inline auto discriminator_objective(const LossWeights& weights) {
  return 1.0 * Wasserstein{} + weights.gradient_penalty * GradientPenalty{} + weights.discriminator_attribute * SourceRecognition{};
}

/// What ties a branch to its counterpart. A straight-through target has a gradient on both sides, and each branch takes
/// its own: the counterpart's term as well, then.
inline auto consistency_objective(double own_weight, double counterpart_weight, ConsistencyTarget target) {
  const bool both = target == ConsistencyTarget::kStraightThrough;
  return own_weight * SemanticConsistency{target} + (both ? counterpart_weight : 0) * CounterpartConsistency{target};
}

inline auto photo_consistency_objective(const SecganStepOptions& options) {
  return consistency_objective(options.photo.semantic_consistency, options.mask.semantic_consistency, options.consistency_target);
}

inline auto photo_generator_objective(const SecganStepOptions& options) {
  return 1.0 * Adversarial{} + options.photo.generator_attribute * AttributeRecognition{} +
         options.photo.reconstruction * Reconstruction{} + photo_consistency_objective(options);
}

inline auto mask_generator_objective(const SecganStepOptions& options) {
  return 1.0 * Adversarial{} + options.mask.generator_attribute * AttributeRecognition{} +
         options.mask.reconstruction * MaskReconstruction{} +
         consistency_objective(options.mask.semantic_consistency, options.photo.semantic_consistency, options.consistency_target);
}

}  // namespace secgan
