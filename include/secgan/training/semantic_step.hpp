#pragma once
/// SeCGAN's semantic side: the mask branch and its tie to a photo generator. SecganStep trains it beside the library's
/// photo branch; a foreign training loop calls it beside its own.

#include <ATen/ATen.h>

#include "secgan/ops/hard_segmentation.hpp"
#include "secgan/training/branch.hpp"
#include "secgan/training/objectives.hpp"

namespace secgan {

/// The mask branch's updates. Each changes the mask branch alone: nothing outside gets a gradient.
template <class MaskBranch, ParserLike Parser>
class SemanticBranch {
 public:
  /// Branch and parser outlive it.
  SemanticBranch(MaskBranch& branch, Parser& parser, SecganStepOptions options) : branch_(branch), parser_(parser), options_(options) {
    options_.validate();
  }

  /// One update of the mask discriminator.
  LossReport discriminator_update(const GanBatch& batch) {
    at::Tensor real, fake;
    {
      at::NoGradGuard no_grad;
      const at::Tensor parse = parser_.log_probabilities(batch.photo);
      const at::Tensor hard = hard_segmentation(parse);
      real = options_.real_masks == RealMasks::kSoft ? parse.exp() : hard;
      fake = full_precision(branch_.generator->forward(hard, difference(options_, batch))).softmax(1);
    }
    const LossReport report =
        discriminator_objective(options_.mask)(discriminator_pass(branch_.discriminator, real, fake, batch.source, batch.weight));
    update(report.total, branch_.discriminator, branch_.discriminator_optimizer);
    return report;
  }

  struct GeneratorUpdate {
    LossReport mask;
    at::Tensor image_log_probs;  ///< [N, K, H, W] log P(edit), differentiable in the edit; undefined where no weight asks for it
    at::Tensor mask_log_probs;   ///< [N, K, H, W] log of the edited mask before the update, constant
  };

  /// One update of the mask generator.
  /// @param edit [N, 3, H, W] the photo generator's answer to the batch
  GeneratorUpdate generator_update(const GanBatch& batch, const at::Tensor& edit) {
    at::Tensor hard;
    {
      at::NoGradGuard no_grad;
      hard = hard_segmentation(parser_.log_probabilities(batch.photo));
    }
    const auto mask = edit_and_reconstruct(branch_.generator, hard, difference(options_, batch));
    GeneratorPass pass = generator_pass(branch_.discriminator, hard, {mask.edit.softmax(1), mask.reconstruction}, batch.target);
    pass.log_probs = mask.edit.log_softmax(1);
    GeneratorUpdate out;
    if (options_.photo.semantic_consistency > 0 || options_.mask.semantic_consistency > 0) {
      out.image_log_probs = parser_.log_probabilities(edit);
      pass.counterpart_log_probs = out.image_log_probs.detach();
    }
    out.mask_log_probs = pass.log_probs.detach();
    out.mask = mask_generator_objective(options_)(pass);
    update(out.mask.total, branch_.generator, branch_.generator_optimizer);
    return out;
  }

  const SecganStepOptions& options() const { return options_; }

 private:
  MaskBranch& branch_;
  Parser& parser_;
  SecganStepOptions options_;
};

}  // namespace secgan
