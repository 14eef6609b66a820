#pragma once
/// Settings of SeCGAN's updates, and the batch they work on.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <sstream>
#include <string_view>
#include <tuple>
#include <utility>

#include "secgan/core/error.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/ops/augment.hpp"
#include "secgan/ops/semantic_consistency.hpp"

namespace secgan {

template <>
struct EnumNames<ConsistencyTarget> {
  static constexpr auto& table = kConsistencyTargets;
  static constexpr std::string_view what = "consistency_target";
};

/// What the mask discriminator is shown as real. Its fakes are always probabilities.
enum class RealMasks {
  kSoft,  ///< the parser's probabilities: the default
  kHard,  ///< one-hot of their arg-max: gives fakes away by their softness
};
inline constexpr std::array<std::pair<std::string_view, RealMasks>, 2> kRealMasks{{{"soft", RealMasks::kSoft}, {"hard", RealMasks::kHard}}};
template <>
struct EnumNames<RealMasks> {
  static constexpr auto& table = kRealMasks;
  static constexpr std::string_view what = "real_masks";
};

/// What a frozen classifier shall see in an edit of the attributes that are not changed. Of the changed ones it is y_trg.
enum class KeptAttributes {
  kLabels,  ///< y_src, as D's head: an edit is also asked to show what the photo does not
  kSeen,    ///< what it sees in the photo, as a probability: an edit is asked to change nothing else
};
inline constexpr std::array<std::pair<std::string_view, KeptAttributes>, 2> kKeptAttributes{
    {{"labels", KeptAttributes::kLabels}, {"seen", KeptAttributes::kSeen}}};
template <>
struct EnumNames<KeptAttributes> {
  static constexpr auto& table = kKeptAttributes;
  static constexpr std::string_view what = "kept_attributes";
};

/// What generators and discriminators play, photos and masks alike.
enum class AdversarialLoss {
  kWasserstein,    ///< WGAN-GP, as published
  kNonSaturating,  ///< the logistic loss, with R1
};
inline constexpr std::array<std::pair<std::string_view, AdversarialLoss>, 2> kAdversarialLosses{
    {{"wasserstein", AdversarialLoss::kWasserstein}, {"non-saturating", AdversarialLoss::kNonSaturating}}};
template <>
struct EnumNames<AdversarialLoss> {
  static constexpr auto& table = kAdversarialLosses;
  static constexpr std::string_view what = "adversarial";
};

/// Weights of one branch's terms; the adversarial terms have weight 1.
struct LossWeights {
  double gradient_penalty = 10;
  double r1_penalty = 10;
  double discriminator_attribute = 1;
  double generator_attribute = 10;
  double generator_classifier = 0;
  double reconstruction = 100;
  double semantic_consistency = 1;

  static constexpr auto fields() {
    using O = LossWeights;
    return std::tuple{
        field<&O::gradient_penalty>("λ_gp of the wasserstein loss", rule::kNotNegative),
        field<&O::r1_penalty>("γ of the non-saturating loss, whose penalty is γ/2 E‖∇D(x)‖²", rule::kNotNegative),
        field<&O::discriminator_attribute>("λ_cls of D", rule::kNotNegative),
        field<&O::generator_attribute>("λ_cls of G", rule::kNotNegative),
        field<&O::generator_classifier>("photos: of a frozen classifier's judgment of the edit, beside that of D's head; 0: none",
                                        rule::kNotNegative),
        field<&O::reconstruction>("λ_rec", rule::kNotNegative),
        field<&O::semantic_consistency>("λ_sc", rule::kNotNegative),
    };
  }
};

struct SecganStepOptions {
  LossWeights photo;
  LossWeights mask;
  AdversarialLoss adversarial = AdversarialLoss::kWasserstein;
  int64_t r1_every = 16;
  ConsistencyTarget consistency_target = ConsistencyTarget::kHard;
  RealMasks real_masks = RealMasks::kSoft;
  KeptAttributes kept_attributes = KeptAttributes::kLabels;
  double intensity = 1;
  bool bfloat16 = false;

  static constexpr auto fields() {
    using O = SecganStepOptions;
    return std::tuple{
        field<&O::photo>("weights of the photo branch's terms"),
        field<&O::mask>("weights of the mask branch's terms"),
        field<&O::adversarial>("wasserstein: WGAN-GP; non-saturating: the logistic loss with R1"),
        field<&O::r1_every>("non-saturating: discriminator updates from one with R1, so many times as strong, to the next",
                            rule::kPositive),
        field<&O::consistency_target>("what the constant side of a consistency term is"),
        field<&O::real_masks>("what the mask discriminator is shown as real"),
        field<&O::kept_attributes>(
            "what generator_classifier's classifier shall see where nothing is to change: labels; seen: what it sees in the photo"),
        field<&O::intensity>("the difference vector is intensity (y_trg - y_src); STGAN publishes 0.5", rule::kStrength),
        field<&O::bfloat16>("networks under bfloat16 autocast, losses in float32"),
    };
  }
  /// @throws InvalidArgument for a classifier's weight in the mask branch.
  void check() const {
    if (mask.generator_classifier == 0) return;
    std::ostringstream message;
    message << "mask.generator_classifier must be 0: classifiers see photos, found " << mask.generator_classifier;
    throw InvalidArgument(message.str());
  }
};

/// The same with both branches' λ_rec times a factor.
inline SecganStepOptions with_reconstruction(SecganStepOptions options, double factor) {
  options.photo.reconstruction *= factor;
  options.mask.reconstruction *= factor;
  return options;
}

/// One batch. Updates draw nothing at random: what they need of it is given.
struct GanBatch {
  at::Tensor photo;   ///< [N, 3, H, W] in [-1, 1]
  at::Tensor source;  ///< [N, A] y_src in {0, 1}
  at::Tensor target;  ///< [N, A] y_trg in {0, 1}
  /// How each sample is changed before a discriminator sees it, photo and mask, real, fake and interpolate alike; nothing at first.
  /// Generators, parser, reconstruction and consistency see it unchanged.
  Augmentation augmentation = {};
  /// How each edit is changed before the frozen classifier sees it.
  Augmentation judged = {};
  /// [N] bool; undefined: all. Of the others source and target are 0: their edit is their reconstruction, and attribute terms leave them
  /// out.
  at::Tensor labeled = {};
};

/// What generators are asked for: intensity (y_trg - y_src).
inline at::Tensor difference(const SecganStepOptions& options, const GanBatch& batch) {
  return options.intensity * (batch.target - batch.source);
}

}  // namespace secgan
