#pragma once
/// Settings of SeCGAN's updates, and the batch they work on.

#include <ATen/core/Tensor.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "secgan/core/error.hpp"
#include "secgan/core/fields.hpp"
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

/// Weights of one branch's terms; the adversarial terms have weight 1.
struct LossWeights {
  double gradient_penalty = 10;        ///< lambda_gp
  double discriminator_attribute = 1;  ///< lambda_cls of D
  double generator_attribute = 10;     ///< lambda_cls of G
  double reconstruction = 100;         ///< lambda_rec
  double semantic_consistency = 1;     ///< lambda_sc

  static void visit(auto& self, auto&& visit) {
    visit("gradient_penalty", self.gradient_penalty);
    visit("discriminator_attribute", self.discriminator_attribute);
    visit("generator_attribute", self.generator_attribute);
    visit("reconstruction", self.reconstruction);
    visit("semantic_consistency", self.semantic_consistency);
  }
  /// @throws InvalidArgument for a negative weight.
  void validate() const {
    visit(*this, [](std::string_view name, double weight) {
      if (!(weight >= 0)) {
        throw InvalidArgument("loss weight " + std::string(name) + " must not be negative, found " + std::to_string(weight));
      }
    });
  }
};

struct SecganStepOptions {
  LossWeights photo;
  LossWeights mask;
  ConsistencyTarget consistency_target = ConsistencyTarget::kHard;
  RealMasks real_masks = RealMasks::kSoft;
  double intensity = 1;   ///< the difference vector is intensity (y_trg - y_src); STGAN publishes 0.5
  bool bfloat16 = false;  ///< networks under bfloat16 autocast, losses in float32

  static void visit(auto& self, auto&& visit) {
    visit("photo", self.photo);
    visit("mask", self.mask);
    visit("consistency_target", self.consistency_target);
    visit("real_masks", self.real_masks);
    visit("intensity", self.intensity);
    visit("bfloat16", self.bfloat16);
  }
  void validate() const {
    photo.validate();
    mask.validate();
    if (!(intensity > 0)) throw InvalidArgument("intensity must be positive, found " + std::to_string(intensity));
  }
};

/// One batch, with the randomness of its update drawn beforehand: the step itself is a pure function.
struct GanBatch {
  at::Tensor photo;   ///< [N, 3, H, W] in [-1, 1]
  at::Tensor source;  ///< [N, A] y_src in {0, 1}
  at::Tensor target;  ///< [N, A] y_trg in {0, 1}
  at::Tensor weight;  ///< [N] uniform in [0, 1], where the gradient penalty is taken; generator updates ignore it
};

/// What generators are asked for: intensity (y_trg - y_src).
inline at::Tensor difference(const SecganStepOptions& options, const GanBatch& batch) {
  return options.intensity * (batch.target - batch.source);
}

}  // namespace secgan
