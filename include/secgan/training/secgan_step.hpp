#pragma once
/// SeCGAN's two updates (arXiv 2111.09298): both discriminators, then both generators, tied by the semantic
/// consistency of the photo branch's edit (as the frozen parser sees it) and the mask branch's edit.

#include <ATen/ATen.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/fields.hpp"
#include "secgan/losses/attribute.hpp"
#include "secgan/losses/consistency.hpp"
#include "secgan/losses/reconstruction.hpp"
#include "secgan/ops/hard_segmentation.hpp"
#include "secgan/training/branch.hpp"

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
inline constexpr std::array<std::pair<std::string_view, RealMasks>, 2> kRealMasks{
    {{"soft", RealMasks::kSoft}, {"hard", RealMasks::kHard}}};
template <>
struct EnumNames<RealMasks> {
  static constexpr auto& table = kRealMasks;
  static constexpr std::string_view what = "real_masks";
};

/// Weights of one branch's terms; the adversarial terms have weight 1.
struct LossWeights {
  double gradient_penalty = 10;          ///< lambda_gp
  double discriminator_attribute = 1;    ///< lambda_cls of D
  double generator_attribute = 10;       ///< lambda_cls of G
  double reconstruction = 100;           ///< lambda_rec
  double semantic_consistency = 1;       ///< lambda_sc

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

inline auto photo_generator_objective(const LossWeights& weights, ConsistencyTarget target = ConsistencyTarget::kHard) {
  return 1.0 * Adversarial{} + weights.generator_attribute * AttributeRecognition{} +
         weights.reconstruction * Reconstruction{} + weights.semantic_consistency * SemanticConsistency{target};
}

inline auto mask_generator_objective(const LossWeights& weights, ConsistencyTarget target = ConsistencyTarget::kHard) {
  return 1.0 * Adversarial{} + weights.generator_attribute * AttributeRecognition{} +
         weights.reconstruction * MaskReconstruction{} + weights.semantic_consistency * SemanticConsistency{target};
}

inline auto discriminator_objective(const LossWeights& weights) {
  return 1.0 * Wasserstein{} + weights.gradient_penalty * GradientPenalty{} +
         weights.discriminator_attribute * SourceRecognition{};
}

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

/// Reports of both branches; `mask` is empty where no mask branch is trained.
struct StepReport {
  LossReport photo;
  std::optional<LossReport> mask;
  /// Share of the attributes that the discriminator's head gets right: on real photos in a discriminator update, on
  /// edits against y_trg in a generator update.
  double attribute_accuracy = 0;
  /// Generator updates: mean |edit - reconstruction| of photos; 0 means that edits do nothing.
  double edit_distance = 0;
};

/// Works on any networks that satisfy the concepts. Without a mask branch (a null pointer) it is the plain
/// conditional GAN that SeCGAN builds on: the baseline of every ablation.
template <class PhotoBranch, class MaskBranch, ParserLike Parser>
class SecganStep {
 public:
  /// The branches and the parser outlive the step. `parser` may be null only when `mask` is.
  SecganStep(PhotoBranch& photo, MaskBranch* mask, Parser* parser, SecganStepOptions options)
      : photo_(photo), mask_(mask), parser_(parser), options_(options) {
    options_.validate();
    if (mask_ != nullptr && parser_ == nullptr) throw InvalidArgument("a mask branch needs a parser, found none");
    // Without its counterpart the consistency term has nothing to agree with.
    if (mask_ == nullptr) options_.photo.semantic_consistency = 0;
  }

  const SecganStepOptions& options() const { return options_; }

  /// One update of each discriminator.
  StepReport discriminator_update(const GanBatch& batch) {
    const AutocastGuard autocast(options_.bfloat16, batch.photo.device().type());
    const auto objective = discriminator_objective(options_.photo);
    const auto mask_objective = discriminator_objective(options_.mask);
    const at::Tensor difference = this->difference(batch);
    StepReport report;

    at::Tensor fake;
    {
      at::NoGradGuard no_grad;
      fake = full_precision(photo_.generator->forward(batch.photo, difference));
    }
    const auto pass = discriminator_pass(photo_.discriminator, batch.photo, fake, batch.source, batch.weight);
    report.photo = objective(pass);
    report.attribute_accuracy = accuracy(pass.real_scores.attribute_logits, batch.source);
    update(report.photo.total, photo_.discriminator, photo_.discriminator_optimizer);

    if (mask_ != nullptr) {
      at::Tensor real_mask, fake_mask;
      {
        at::NoGradGuard no_grad;
        const at::Tensor parse = parser_->log_probabilities(batch.photo);
        const at::Tensor hard = hard_segmentation(parse);
        real_mask = options_.real_masks == RealMasks::kSoft ? parse.exp() : hard;
        fake_mask = full_precision(mask_->generator->forward(hard, difference)).softmax(1);
      }
      report.mask = mask_objective(
          discriminator_pass(mask_->discriminator, real_mask, fake_mask, batch.source, batch.weight));
      update(report.mask->total, mask_->discriminator, mask_->discriminator_optimizer);
    }
    return report;
  }

  /// One update of each generator.
  StepReport generator_update(const GanBatch& batch) {
    const AutocastGuard autocast(options_.bfloat16, batch.photo.device().type());
    const at::Tensor difference = this->difference(batch);
    StepReport report;

    const auto photo = edit_and_reconstruct(photo_.generator, batch.photo, difference);
    GeneratorPass photo_pass = generator_pass(photo_, batch.photo, photo.edit, photo.reconstruction, batch.target);
    std::vector<at::Tensor> parameters = photo_.generator->parameters();
    if (mask_ != nullptr) {
      at::Tensor hard;
      {
        at::NoGradGuard no_grad;
        hard = hard_segmentation(parser_->log_probabilities(batch.photo));
      }
      const auto mask = edit_and_reconstruct(mask_->generator, hard, difference);
      GeneratorPass mask_pass = generator_pass(*mask_, hard, mask.edit.softmax(1), mask.reconstruction, batch.target);
      mask_pass.log_probs = mask.edit.log_softmax(1);
      if (options_.photo.semantic_consistency > 0 || options_.mask.semantic_consistency > 0) {
        photo_pass.log_probs = parser_->log_probabilities(photo.edit);
      }
      photo_pass.counterpart_log_probs = mask_pass.log_probs;
      mask_pass.counterpart_log_probs = photo_pass.log_probs;
      report.mask = mask_generator_objective(options_.mask, options_.consistency_target)(mask_pass);
      const auto more = mask_->generator->parameters();
      parameters.insert(parameters.end(), more.begin(), more.end());
    }
    report.photo = photo_generator_objective(options_.photo, options_.consistency_target)(photo_pass);

    // One backward for both: with detached targets the sums do not mix, with straight-through ones they must.
    photo_.generator_optimizer.zero_grad();
    if (mask_ != nullptr) mask_->generator_optimizer.zero_grad();
    backward(report.mask ? report.photo.total + report.mask->total : report.photo.total, parameters);
    photo_.generator_optimizer.step();
    if (mask_ != nullptr) mask_->generator_optimizer.step();

    report.attribute_accuracy = accuracy(photo_pass.edit_scores.attribute_logits, batch.target);
    report.edit_distance = (photo.edit - photo.reconstruction).detach().abs().mean().template item<double>();
    return report;
  }

 private:
  at::Tensor difference(const GanBatch& batch) const { return options_.intensity * (batch.target - batch.source); }

  template <class AnyBranch>
  static GeneratorPass generator_pass(AnyBranch& branch, const at::Tensor& input, const at::Tensor& edit,
                                      const at::Tensor& reconstruction, const at::Tensor& target) {
    GeneratorPass pass;
    pass.input = input;
    pass.reconstruction = reconstruction;
    pass.target = target;
    pass.edit_scores = full_precision_scores(branch.discriminator, edit);
    return pass;
  }

  template <class Network, class O>
  static void update(const at::Tensor& total, Network& network, O& optimizer) {
    optimizer.zero_grad();
    backward(total, network->parameters());
    optimizer.step();
  }

  static double accuracy(const at::Tensor& logits, const at::Tensor& labels) {
    return (logits.detach() > 0).eq(labels > 0.5).to(at::kFloat).mean().template item<double>();
  }

  PhotoBranch& photo_;
  MaskBranch* mask_;
  Parser* parser_;
  SecganStepOptions options_;
};

}  // namespace secgan
