#pragma once
/// SeCGAN's objectives as formulas (arXiv 2111.09298).

#include "secgan/losses/adversarial.hpp"
#include "secgan/losses/attribute.hpp"
#include "secgan/losses/consistency.hpp"
#include "secgan/losses/non_saturating.hpp"
#include "secgan/losses/objective.hpp"
#include "secgan/losses/reconstruction.hpp"
#include "secgan/training/secgan_options.hpp"

namespace secgan {

/// Of either branch. Terms of the adversarial loss that is not chosen have weight 0.
/// @param r1_factor  of the non-saturating loss's penalty: 0 in an update without it
inline auto discriminator_objective(const LossWeights& weights, AdversarialLoss adversarial = AdversarialLoss::kWasserstein,
                                    double r1_factor = 1) {
  const double wasserstein = adversarial == AdversarialLoss::kWasserstein ? 1 : 0, logistic = 1 - wasserstein;
  return wasserstein * Wasserstein{} + logistic * Logistic{} + wasserstein * weights.gradient_penalty * GradientPenalty{} +
         logistic * r1_factor * weights.r1_penalty * R1Penalty{} + weights.discriminator_attribute * SourceRecognition{};
}

/// Of either branch's generator.
inline auto adversarial_objective(AdversarialLoss adversarial) {
  const double wasserstein = adversarial == AdversarialLoss::kWasserstein ? 1 : 0;
  return wasserstein * Adversarial{} + (1 - wasserstein) * NonSaturating{};
}

/// Of the photo branch by itself.
inline auto photo_gan_objective(const LossWeights& weights, AdversarialLoss adversarial = AdversarialLoss::kWasserstein) {
  return adversarial_objective(adversarial) + weights.generator_attribute * AttributeRecognition{} +
         weights.generator_classifier * ClassifierRecognition{} + weights.reconstruction * Reconstruction{};
}

/// Of the mask branch by itself.
inline auto mask_gan_objective(const LossWeights& weights, AdversarialLoss adversarial = AdversarialLoss::kWasserstein) {
  return adversarial_objective(adversarial) + weights.generator_attribute * AttributeRecognition{} +
         weights.reconstruction * MaskReconstruction{};
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
  return photo_gan_objective(options.photo, options.adversarial) + photo_consistency_objective(options);
}
inline auto mask_generator_objective(const SecganStepOptions& options) {
  return mask_gan_objective(options.mask, options.adversarial) + mask_consistency_objective(options);
}

}  // namespace secgan
