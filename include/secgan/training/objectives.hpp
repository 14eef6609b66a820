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

/// Of the photo branch by itself.
inline auto photo_gan_objective(const LossWeights& weights) {
  return 1.0 * Adversarial{} + weights.generator_attribute * AttributeRecognition{} +
         weights.generator_classifier * ClassifierRecognition{} + weights.reconstruction * Reconstruction{};
}

/// Of the mask branch by itself.
inline auto mask_gan_objective(const LossWeights& weights) {
  return 1.0 * Adversarial{} + weights.generator_attribute * AttributeRecognition{} + weights.reconstruction * MaskReconstruction{};
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

inline auto mask_consistency_objective(const SecganStepOptions& options) {
  return consistency_objective(options.mask.semantic_consistency, options.photo.semantic_consistency, options.consistency_target);
}

/// Of the branches tied together.
inline auto photo_generator_objective(const SecganStepOptions& options) {
  return photo_gan_objective(options.photo) + photo_consistency_objective(options);
}
inline auto mask_generator_objective(const SecganStepOptions& options) {
  return mask_gan_objective(options.mask) + mask_consistency_objective(options);
}

}  // namespace secgan
