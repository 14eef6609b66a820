#pragma once
/// SeCGAN's mask branch for somebody else's training loop: networks by name, optimizers and randomness included. Python's SemanticBranch.

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/core/named_values.hpp"
#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/parsing/face_parser.hpp"
#include "secgan/training/accumulated.hpp"
#include "secgan/training/augmentation.hpp"
#include "secgan/training/semantic_step.hpp"
#include "secgan/training/synchronized.hpp"

namespace secgan {

struct SemanticBranchOptions {
  GeneratorOptions generator;
  DiscriminatorOptions discriminator;
  SecganStepOptions losses;
  AdamOptions generator_adam;
  AdamOptions discriminator_adam;
  AugmentOptions augment;
  int64_t accumulate = 1;
  bool synchronize = true;
  uint64_t seed = 0;

  static constexpr auto fields() {
    using O = SemanticBranchOptions;
    return std::tuple{
        field<&O::generator>("G of masks"),
        field<&O::discriminator>("D of masks"),
        field<&O::losses>("weights and choices of the losses; of `photo` the semantic_consistency alone counts, the rest is the host's"),
        field<&O::generator_adam>("optimizer of the mask generator"),
        field<&O::discriminator_adam>("optimizer of the mask discriminator"),
        field<&O::augment>("of the masks that D sees, drawn anew for each call: shift and flip"),
        field<&O::accumulate>("calls per optimizer step, for hosts that accumulate gradients", rule::kPositive),
        field<&O::synchronize>(
            "in a job of several processes: updates with their mean gradients, as DistributedDataParallel makes the host's"),
        field<&O::seed>("of the first weights, of the gradient penalty's places and of the augmentation"),
    };
  }
  /// @throws InvalidArgument for what masks do not have.
  SECGAN_API void check() const;
};

/// A mask branch in full: what the host's data say, and its options.
struct SemanticBranchConfig {
  int64_t attributes = 13;
  int64_t image_size = 128;
  SemanticBranchOptions options = {};

  static constexpr auto fields() {
    using O = SemanticBranchConfig;
    return std::tuple_cat(
        std::tuple{
            field<&O::attributes>("how many the host edits", rule::kPositive),
            field<&O::image_size>("side of the photos in pixels", rule::kPositive),
        },
        inlined<&O::options>());
  }
  /// @throws InvalidArgument for what the options' own rules forbid.
  void check() const { options.check(); }
};

/// Each step updates the mask branch and nothing else: the host's networks, gradients, random state, modes and autocast
/// settings stay as they are. All that a resumed run needs is in the module's state (module_state), the optimizers'
/// moments included; within a group of accumulated calls it is not.
///
/// In a process with a default process group (torch.distributed) the steps are collectives: weights and state begin as the first process's,
/// gradients and running statistics are means over the processes, and all ranks stay the same. Values and losses are the process's own.
class SECGAN_API SemanticBranchImpl : public torch::nn::Module {
 public:
  /// @param parser  of as many classes as the masks shall have
  /// @throws InvalidArgument for options that break a rule.
  SemanticBranchImpl(FaceParser parser, SemanticBranchConfig config);

  /// @param image [N, 3, S, S] in [-1, 1]   @param source, target [N, A] in {0, 1}
  /// @return the mask discriminator's terms before weighting
  NamedValues discriminator_step(const at::Tensor& image, const at::Tensor& source, const at::Tensor& target);

  /// @param edited [N, 3, S, S] in [-1, 1], the host generator's output
  /// @return scalar, weighted by losses.photo.semantic_consistency, for the host's generator loss: its gradient reaches
  ///         `edited` through the parser
  /// @throws InvalidArgument for an `edited` without a graph, where gradients are on: its generator would learn nothing of this loss.
  at::Tensor generator_step(const at::Tensor& image, const at::Tensor& edited, const at::Tensor& source, const at::Tensor& target);

  /// The terms of the last generator_step before weighting: the mask generator's, and the image's consistency as "image_consistency".
  const NamedValues& generator_losses() const { return generator_losses_; }

  const SemanticBranchConfig& config() const { return config_; }

 private:
  using MaskBranch = Branch<Generator, Discriminator, Accumulated<Synchronized<Adam>>>;

  /// What the host gives, checked, in the branch's type.
  GanBatch batch(const at::Tensor& image, const at::Tensor& source, const at::Tensor& target) const;

  /// What discriminators see changed of a batch of n, of which all processes have as many.
  /// @param which, step  of the calls that draw
  Augmentation augmentation(int64_t which, const at::Tensor& step, int64_t n) const;

  /// The host's process group as it is now; the first time, the first process's state.
  void join_processes();

  SemanticBranchConfig config_;
  ProcessGroup processes_;
  bool joined_ = false;
  FaceParser parser_;
  MaskBranch branch_;
  SemanticStep<MaskBranch, FaceParser> step_;
  at::Tensor seed_;  // in the state, as the counter is: a resumed run draws what the first would have drawn
  at::Tensor discriminator_steps_;
  at::Tensor generator_steps_;  // with augmentation alone, so that other states have what they had
  NamedValues generator_losses_;
};
TORCH_MODULE(SemanticBranch);

}  // namespace secgan
