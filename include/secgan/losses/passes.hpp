#pragma once
/// What the loss terms see of one update.

#include <ATen/core/Tensor.h>

#include "secgan/core/scores.hpp"

namespace secgan {

/// One update of one generator by itself. Photos are in [-1, 1]; masks come out of the mask generator as logits.
struct GanPass {
  at::Tensor input;           ///< [N, C, H, W] x, or s_in as one-hot
  at::Tensor reconstruction;  ///< [N, C, H, W] G(input, 0)
  at::Tensor target;          ///< [N, A] y_trg in {0, 1}
  Scores edit_scores;         ///< D(G(input, d))
  /// [N, A] logits that a frozen classifier gives the edit; undefined where no weight asks for them
  at::Tensor classifier_logits = {};
  at::Tensor classifier_target = {};  ///< [N, A] in [0, 1], what it shall say; undefined: the target
  at::Tensor labeled = {};            ///< [N] bool, whose labels are known; undefined: all
};

/// One edit as both branches see it.
/// @tparam S  at::Tensor: [N, K, H, W] log-probabilities; Segmentation: logits, whose log-probabilities are not computed yet
template <class S>
struct BasicConsistencyPass {
  S log_probs;              ///< the branch's own edit as log-segmentation: log P(x_out), or log s_out
  S counterpart_log_probs;  ///< the other branch's
};
using ConsistencyPass = BasicConsistencyPass<at::Tensor>;

/// One update of a branch's generator that is tied to the other branch: `GeneratorPass{gan_pass, consistency_pass}`.
template <class S>
struct BasicGeneratorPass : GanPass, BasicConsistencyPass<S> {};
using GeneratorPass = BasicGeneratorPass<at::Tensor>;

/// One update of one branch's discriminator.
struct DiscriminatorPass {
  Scores real_scores;
  Scores fake_scores;
  at::Tensor source;          ///< [N, A] y_src in {0, 1}
  at::Tensor interpolate;     ///< [N, C, H, W] on the segment from real to fake, requires grad; undefined where no term looks at it
  Scores interpolate_scores;  ///< D(interpolate)
  /// [N, C, H, W] of the sum of D(interpolate) by the interpolate, where it is known; else the scores' graph gives it
  at::Tensor interpolate_gradient = {};
  at::Tensor real = {};     ///< [N, C, H, W], requires grad; undefined where no term looks at it
  at::Tensor labeled = {};  ///< [N] bool, whose labels are known; undefined: all
};

}  // namespace secgan
