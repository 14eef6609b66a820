#include "secgan/nn/finite.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace secgan {

std::optional<std::string> first_not_finite(const NamedTensors& tensors) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) {
    // One pass without a mask of the tensor's size: a sum is finite unless a value is not, or it overflows.
    if (!tensor.is_floating_point() || at::isfinite(tensor.sum(at::kDouble)).item<bool>()) continue;
    if (!at::isfinite(tensor).all().item<bool>()) return name;
  }
  return std::nullopt;
}

}  // namespace secgan
