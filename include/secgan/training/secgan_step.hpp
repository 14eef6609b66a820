#pragma once
/// SeCGAN's two updates (arXiv 2111.09298): both discriminators, then both generators, tied by the semantic
/// consistency of the photo branch's edit (as the frozen parser sees it) and the mask branch's edit.

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <sstream>
#include <utility>

#include "secgan/training/branch.hpp"
#include "secgan/training/objectives.hpp"
#include "secgan/training/semantic_step.hpp"

namespace secgan {

/// Reports of both branches, as scalars without graph on the batch's device: reading one waits for the device, an update does not.
struct StepReport {
  LossReport photo;
  std::optional<LossReport> mask;  ///< empty where no mask branch is trained
  /// Share of the attributes that the discriminator's head gets right, as augmented: on real photos in a discriminator update, on
  /// edits against y_trg in a generator update.
  at::Tensor attribute_accuracy;
  /// Mean |edit - reconstruction| of photos; 0 means that edits do nothing. Undefined in a discriminator update.
  at::Tensor edit_distance;
};

/// A classifier that stays as it is: photo [N, 3, H, W] in [-1, 1] -> logits [N, A], differentiable in the photo.
using FrozenClassifier = std::function<at::Tensor(const at::Tensor&)>;

/// Works on any networks that satisfy the concepts. Without a mask branch (a null pointer) it is the plain
/// conditional GAN that SeCGAN builds on: the baseline of every ablation.
template <class PhotoBranch, class MaskBranch, ParserLike Parser>
class SecganStep {
 public:
  /// The branches and the parser outlive the step. `parser` may be null only when `mask` is, `classifier` only without a weight for it.
  SecganStep(PhotoBranch& photo, MaskBranch* mask, Parser* parser, SecganStepOptions options, FrozenClassifier classifier = {})
      : photo_(photo), options_(checked(std::move(options))), classifier_(std::move(classifier)) {
    if (options_.photo.generator_classifier > 0 && !classifier_) {
      std::ostringstream message;
      message << "classifier is missing: photo.generator_classifier " << options_.photo.generator_classifier << " needs one";
      throw InvalidArgument(message.str());
    }
    if (mask == nullptr) return;
    if (parser == nullptr) throw InvalidArgument("a mask branch needs a parser, found none");
    semantic_.emplace(*mask, *parser, options_);
  }
  SecganStep(const SecganStep&) = delete;
  SecganStep& operator=(const SecganStep&) = delete;
  ~SecganStep() = default;

  const SecganStepOptions& options() const { return options_; }

  /// One update of each discriminator.
  /// @param position [N] uniform in [0, 1], where the gradient penalty is taken on the segments from real to fake
  /// @param update  how many came before, for penalties that are not taken in each
  StepReport discriminator_update(const GanBatch& batch, const at::Tensor& position, int64_t update = 0) {
    const AutocastGuard autocast(options_.bfloat16, batch.photo.device().type());
    StepReport report;
    at::Tensor fake;
    {
      at::NoGradGuard no_grad;
      fake = full_precision(photo_.generator->forward(batch.photo, difference(options_, batch)));
    }
    const auto [pass, losses] =
        discriminator_losses(photo_.discriminator, options_, options_.photo, augmented_photo(batch.photo, batch.augmentation),
                             augmented_photo(fake, batch.augmentation), batch, position, update);
    report.photo = losses;
    report.attribute_accuracy = accuracy(pass.real_scores.attribute_logits, batch.source, batch.labeled);
    minimize(report.photo.total, photo_.discriminator, photo_.discriminator_optimizer);
    if (semantic_) report.mask = semantic_->discriminator_update(batch, position, update);
    return report;
  }

  /// One update of each generator. Without a mask branch the consistency has nothing to agree with, and its weights count nothing.
  /// @param reconstruction  factor of both branches' λ_rec, as that of a ramp
  StepReport generator_update(const GanBatch& batch, double reconstruction = 1) {
    const SecganStepOptions options = with_reconstruction(options_, reconstruction);
    const AutocastGuard autocast(options_.bfloat16, batch.photo.device().type());
    StepReport report;
    const auto photo = edit_and_reconstruct(photo_.generator, batch.photo, difference(options_, batch));
    using Seen = typename SemanticStep<MaskBranch, Parser>::Seen;
    std::optional<BasicConsistencyPass<Seen>> consistency;
    if (semantic_) {
      auto semantic = semantic_->generator_update(batch, photo.edit, reconstruction);
      consistency = std::move(semantic.photo);
      report.mask = std::move(semantic.mask);
    }
    // Behind the mask branch's update, so that memory holds one discriminator's pass at a time.
    const EditAndReconstruction judged{augmented_photo(photo.edit, batch.augmentation), photo.reconstruction};
    GanPass pass = gan_pass(photo_.discriminator, batch.photo, judged, batch.target);
    pass.labeled = batch.labeled;
    if (options.photo.generator_classifier > 0) {
      pass.classifier_logits = judgment(photo.edit, batch);
      if (options.kept_attributes == KeptAttributes::kSeen) {
        const at::NoGradGuard no_grad;
        pass.classifier_target = at::where(batch.target == batch.source, judgment(batch.photo, batch).sigmoid(), batch.target);
      }
    }
    report.photo = consistency ? photo_generator_objective(options)(BasicGeneratorPass<Seen>{pass, *consistency})
                               : photo_gan_objective(options.photo, options.adversarial)(pass);
    minimize(report.photo.total, photo_.generator, photo_.generator_optimizer);

    report.attribute_accuracy = accuracy(pass.edit_scores.attribute_logits, batch.target, batch.labeled);
    report.edit_distance = (photo.edit - photo.reconstruction).detach().abs().mean();
    return report;
  }

 private:
  /// The classifier's [N, A] logits of photos or edits, each changed as the batch says.
  at::Tensor judgment(const at::Tensor& photo, const GanBatch& batch) const {
    return full_precision(classifier_(augmented_photo(photo, batch.judged)));
  }

  static at::Tensor accuracy(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& labeled) {
    const at::Tensor right = (logits.detach() > 0).eq(labels > 0.5).to(at::kFloat);
    if (!labeled.defined()) return right.mean();
    const at::Tensor counts = labeled.to(at::kFloat);
    return (right.mean(1) * counts).sum() / counts.sum().clamp_min(1);
  }

  PhotoBranch& photo_;
  SecganStepOptions options_;
  FrozenClassifier classifier_;
  std::optional<SemanticStep<MaskBranch, Parser>> semantic_;
};

}  // namespace secgan
