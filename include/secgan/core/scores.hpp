#pragma once

#include <ATen/core/Tensor.h>

namespace secgan {

/// What a discriminator says of a batch.
struct Scores {
  at::Tensor adversarial;       ///< [N, 1] (or a patch map [N, 1, h, w]), unbounded: higher looks more real
  at::Tensor attribute_logits;  ///< [N, A]
};

}  // namespace secgan
