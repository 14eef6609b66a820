#pragma once

#include <ATen/core/Tensor.h>

namespace secgan {

/// What a discriminator says of a batch.
struct Scores {
  at::Tensor adversarial;       ///< [N, 1] (or a patch map [N, 1, h, w]), unbounded: higher looks more real
  at::Tensor attribute_logits;  ///< [N, A]
};

/// What an update with a gradient penalty looks at, out of one pass of real, fake and interpolated images: differentiable once, by the
/// discriminator's parameters alone.
struct PenalizedScores {
  Scores real;
  at::Tensor fake;      ///< adversarial scores; nobody asks for the fakes' attributes
  at::Tensor gradient;  ///< [N, C, H, W] of the sum of the interpolates' adversarial scores by the interpolates
};

}  // namespace secgan
