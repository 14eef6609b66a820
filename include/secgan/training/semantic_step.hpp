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
  LossReport discriminator_update(const GanBatch& batch, const at::Tensor& position) {
    at::Tensor real, fake;
    {
      at::NoGradGuard no_grad;
      const at::Tensor parse = parser_.log_probabilities(batch.photo);
      const at::Tensor hard = hard_segmentation(parse);
      real = options_.real_masks == RealMasks::kSoft ? parse.exp() : hard;
      fake = full_precision(branch_.generator->forward(hard, difference(options_, batch))).softmax(1);
    }
    const auto pass = discriminator_pass(branch_.discriminator, augmented_mask(real, batch.augmentation),
                                         augmented_mask(fake, batch.augmentation), batch.source, position);
    const LossReport report = discriminator_objective(options_.mask)(pass);
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
    const GanPass pass = gan_pass(branch_.discriminator, hard, judged, batch.target);
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
      out.mask = mask_gan_objective(options.mask)(pass);
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
