#pragma once
/// What a network costs: parameters, multiply-adds, memory.

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <functional>

#include "secgan/core/export.hpp"

namespace secgan {

struct NetworkProfile {
  int64_t parameters = 0;
  int64_t multiply_adds = 0;   ///< of convolutions and matrix products in one forward pass
  int64_t weight_bytes = 0;    ///< parameters and buffers
  int64_t forward_bytes = 0;   ///< most memory held at once in a forward pass without gradients, beside the weights
  int64_t training_bytes = 0;  ///< the same over forward and backward pass, gradients included
};

/// Most memory that `work` held at once. Exact for the CPU's own allocations on this thread; scratch memory inside oneDNN
/// is not seen.
SECGAN_API int64_t peak_bytes(const std::function<void()>& work);

/// Runs `forward` twice, without and with gradients, and counts; memory as peak_bytes.
/// @param forward  one pass over the module whose output has gradients
SECGAN_API NetworkProfile profile(const torch::nn::Module& module, const std::function<at::Tensor()>& forward);

}  // namespace secgan
