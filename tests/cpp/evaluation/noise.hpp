#pragma once
/// Photos without meaning.

#include <torch/torch.h>

namespace secgan::testing {

/// The same bytes at every call.
inline at::Tensor noise_photos(at::IntArrayRef shape) {
  torch::manual_seed(1);
  return torch::randint(0, 256, shape, torch::kByte);
}

}  // namespace secgan::testing
