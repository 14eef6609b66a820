#pragma once
/// The mask branch's two updates and its tie to a photo generator. SecganStep runs them beside the library's photo branch; SemanticBranch
/// beside a foreign one.

#include <ATen/ATen.h>

#include <concepts>
#include <optional>
#include <type_traits>

#include "secgan/ops/hard_segmentation.hpp"
#include "secgan/ops/segmentation.hpp"
#include "secgan/training/branch.hpp"
#include "secgan/training/objectives.hpp"

namespace secgan {

namespace detail {
/// A parser that gives its logits, as FaceParser does, spares its log-probabilities where only a loss term looks at them.
template <class P>
concept GivesSegmentation = requires(P& p, const at::Tensor& photo) {
  { p.segmentation(photo) } -> std::convertible_to<Segmentation>;
};
}  // namespace detail

/// A discriminator's scores in one update, and its losses.
struct DiscriminatorUpdate {
  DiscriminatorPass pass;
  LossReport report;
};

/// Of either branch, as the options say.
/// @param weights  the branch's   @param real, fake [N, C, H, W], constants   @param batch  whose labels the real images have
/// @param position [N] in [0, 1], where WGAN's gradient penalty is taken   @param update  from 0: R1 is taken in every options.r1_every-th
template <DiscriminatorLike D>
DiscriminatorUpdate discriminator_losses(D& discriminator, const SecganStepOptions& options, const LossWeights& weights,
                                         const at::Tensor& real, const at::Tensor& fake, const GanBatch& batch, const at::Tensor& position,
                                         int64_t update) {
  DiscriminatorUpdate out;
  const bool penalized = update % options.r1_every == 0 && weights.r1_penalty > 0;
  out.pass = options.adversarial == AdversarialLoss::kWasserstein
                 ? discriminator_pass(discriminator, real, fake, batch.source, position)
                 : discriminator_pass_on_reals(discriminator, real, fake, batch.source, penalized);
  out.pass.labeled = batch.labeled;
  out.report = discriminator_objective(weights, options.adversarial, penalized ? static_cast<double>(options.r1_every) : 0)(out.pass);
  return out;
}

/// Each update changes the mask branch alone: nothing outside gets a gradient.
template <class MaskBranch, ParserLike Parser>
class SemanticStep {
 public:
  /// Branch and parser outlive it.
  SemanticStep(MaskBranch& branch, Parser& parser, SecganStepOptions options)
      : branch_(branch), parser_(parser), options_(checked(std::move(options))) {}
  SemanticStep(const SemanticStep&) = delete;
  SemanticStep& operator=(const SemanticStep&) = delete;
  ~SemanticStep() = default;

  /// One update of the mask discriminator.
  /// @param position [N] in [0, 1], where the gradient penalty is taken
  /// @param update  how many came before, for penalties that are not taken in each
  LossReport discriminator_update(const GanBatch& batch, const at::Tensor& position, int64_t update = 0) {
    at::Tensor real, fake;
    {
      at::NoGradGuard no_grad;
      const at::Tensor parse = parser_.log_probabilities(batch.photo);
      const at::Tensor hard = hard_segmentation(parse);
      real = options_.real_masks == RealMasks::kSoft ? parse.exp() : hard;
      fake = full_precision(branch_.generator->forward(hard, difference(options_, batch))).softmax(1);
    }
    const LossReport report = discriminator_losses(branch_.discriminator, options_, options_.mask, augmented_mask(real, batch.augmentation),
                                                   augmented_mask(fake, batch.augmentation), batch, position, update)
                                  .report;
    minimize(report.total, branch_.discriminator, branch_.discriminator_optimizer);
    return report;
  }

  /// What loss terms get of an edit: logits where the parser gives them, log-probabilities else.
  using Seen = std::conditional_t<detail::GivesSegmentation<Parser>, Segmentation, at::Tensor>;

  struct GeneratorUpdate {
    LossReport mask;
    /// log P(edit), differentiable in the edit, against the edited mask before the update; nullopt where no weight asks for it.
    std::optional<BasicConsistencyPass<Seen>> photo;
  };

  /// One update of the mask generator.
  /// @param edit [N, 3, H, W] the photo generator's output for the batch
  /// @param reconstruction  factor of λ_rec, as that of a ramp
  GeneratorUpdate generator_update(const GanBatch& batch, const at::Tensor& edit, double reconstruction = 1) {
    const SecganStepOptions options = with_reconstruction(options_, reconstruction);
    at::Tensor hard;
    {
      at::NoGradGuard no_grad;
      hard = hard_segmentation(parser_.log_probabilities(batch.photo));
    }
    const auto output = edit_and_reconstruct(branch_.generator, hard, difference(options_, batch));
    const EditAndReconstruction judged{augmented_mask(output.edit.softmax(1), batch.augmentation), output.reconstruction};
    GanPass pass = gan_pass(branch_.discriminator, hard, judged, batch.target);
    pass.labeled = batch.labeled;
    GeneratorUpdate out;
    if (options_.photo.semantic_consistency > 0 || options_.mask.semantic_consistency > 0) {
      Seen of_mask, of_photo;
      if constexpr (detail::GivesSegmentation<Parser>) {
        of_mask = Segmentation(output.edit);
        of_photo = parser_.segmentation(edit);
      } else {
        of_mask = output.edit.log_softmax(1);
        of_photo = parser_.log_probabilities(edit);
      }
      out.mask = mask_generator_objective(options)(BasicGeneratorPass<Seen>{pass, {of_mask, of_photo.detach()}});
      out.photo = BasicConsistencyPass<Seen>{of_photo, of_mask.detach()};
    } else {
      out.mask = mask_gan_objective(options.mask, options.adversarial)(pass);
    }
    minimize(out.mask.total, branch_.generator, branch_.generator_optimizer);
    return out;
  }

  const SecganStepOptions& options() const { return options_; }

 private:
  MaskBranch& branch_;
  Parser& parser_;
  SecganStepOptions options_;
};

}  // namespace secgan
