#pragma once
/// A module that computes with other tensors for a while: what torch.func.functional_call needs of C++ layers.

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/nn/state.hpp"

namespace secgan {

/// What a layer that LibTorch does not know offers, so that its tensors can be found by name.
class SECGAN_API TensorSlots {
 public:
  virtual ~TensorSlots() = default;
  /// @return null for a name that is none of the layer's tensors
  virtual at::Tensor* slot(std::string_view name) = 0;
};

/// While it lives, the module's layers use `tensors` in place of their own of the same names, and gradients flow into
/// them. The module's state stays as it was. One at a time for a module, and no other call beside it.
class SECGAN_API Substitution {
 public:
  /// @throws InvalidArgument for a name that is no tensor of the module, or a tensor of another shape.
  Substitution(torch::nn::Module& module, const NamedTensors& tensors);
  ~Substitution() { restore(); }
  Substitution(const Substitution&) = delete;
  Substitution& operator=(const Substitution&) = delete;

  void restore();

 private:
  std::vector<std::pair<at::Tensor*, at::Tensor>> own_;
};

}  // namespace secgan
