#pragma once
/// The mask branch for somebody else's training loop: networks by name, optimizers and randomness included.

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "secgan/core/fields.hpp"
#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/parsing/face_parser.hpp"
#include "secgan/training/accumulated.hpp"
#include "secgan/training/semantic_step.hpp"

namespace secgan {

struct CompanionBranchOptions {
  GeneratorOptions generator;          ///< of masks; channels and output follow from the parser
  DiscriminatorOptions discriminator;  ///< of masks
  SecganStepOptions losses;            ///< `photo`: its semantic_consistency alone counts here
  AdamOptions generator_adam;
  AdamOptions discriminator_adam;
  int64_t accumulate = 1;  ///< calls per optimizer step, for hosts that accumulate gradients
  uint64_t seed = 0;       ///< of the first weights and of the gradient penalty's places

  static void visit(auto& self, auto&& visit) {
    visit("generator", self.generator);
    visit("discriminator", self.discriminator);
    visit("losses", self.losses);
    visit("generator_adam", self.generator_adam);
    visit("discriminator_adam", self.discriminator_adam);
    visit("accumulate", self.accumulate);
    visit("seed", self.seed);
  }
  /// Sets what follows from the parser: channels and output activation.
  void adapt(int64_t classes);
  void validate() const;
};

/// Named figures, before weighting.
using Figures = std::vector<std::pair<std::string, double>>;

/// Each step updates the mask branch and nothing else: the host's networks, gradients, random state, modes and autocast
/// settings stay as they are. All that a resumed run needs is in the module's state (module_state), the optimizers'
/// moments included; within a group of accumulated calls it is not.
class CompanionBranchImpl : public torch::nn::Module {
 public:
  /// @throws InvalidArgument for options that break a rule.
  CompanionBranchImpl(FaceParser parser, CompanionBranchOptions options);

  /// @param image [N, 3, S, S] in [-1, 1]   @param source, target [N, A] in {0, 1}
  /// @return the mask discriminator's terms
  Figures discriminator_step(const at::Tensor& image, const at::Tensor& source, const at::Tensor& target);

  /// @param edited [N, 3, S, S] in [-1, 1], the host generator's answer
  /// @return scalar, weighted by losses.photo.semantic_consistency, for the host's generator loss: its gradient reaches
  ///         `edited` through the parser
  at::Tensor generator_step(const at::Tensor& image, const at::Tensor& edited, const at::Tensor& source, const at::Tensor& target);

  /// The terms of the last generator_step: the mask generator's, and the image's consistency as "image_consistency".
  const Figures& generator_figures() const { return generator_figures_; }

  const CompanionBranchOptions& options() const { return options_; }

 private:
  using Optimizer = Accumulated<Adam>;
  using MaskBranch = Branch<Generator, Discriminator, Optimizer>;

  GanBatch batch(const at::Tensor& image, const at::Tensor& source, const at::Tensor& target) const;

  CompanionBranchOptions options_;
  FaceParser parser_;
  MaskBranch branch_;
  SemanticBranch<MaskBranch, FaceParser> semantic_;
  at::Tensor seed_;  // in the state, as the counter is: a resumed run draws what the first would have drawn
  at::Tensor discriminator_steps_;
  Figures generator_figures_;
};
TORCH_MODULE(CompanionBranch);

}  // namespace secgan
