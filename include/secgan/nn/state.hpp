#pragma once
/// A module's tensors by name, and putting them back.

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <string>
#include <string_view>

#include "secgan/core/export.hpp"
#include "secgan/core/named_tensors.hpp"

namespace secgan {

/// Parameters and buffers of a module, sharing its storage, in the order of Python's state_dict(): per module its
/// parameters, its buffers, then its children.
SECGAN_API NamedTensors module_state(const torch::nn::Module& module, const std::string& prefix = "");

/// Copies the tensors named prefix + name into the module. Nothing is changed unless all fit; whether they are finite is not looked at.
/// @param source  named first in messages, as a file name
/// @throws Error for a missing tensor, one of another shape, or one under the prefix that the module lacks.
SECGAN_API void load_module_state(torch::nn::Module& module, const NamedTensors& tensors, const std::string& prefix,
                                  std::string_view source);

/// The same for loose tensors, each with the name it has in a state; dtypes must agree as well.
SECGAN_API void load_tensors(const NamedTensors& into, const NamedTensors& tensors, const std::string& prefix, std::string_view source);

/// The name of the first tensor that holds an infinity or no number at all; empty where all are finite.
SECGAN_API std::string first_not_finite(const NamedTensors& tensors);

/// @param source  named first in messages, as a file name   @throws Error naming the first tensor that is not finite.
SECGAN_API void require_finite(const NamedTensors& tensors, std::string_view source);

/// Copies all state of one module into another of the same structure.
SECGAN_API void copy_module_state(const torch::nn::Module& from, torch::nn::Module& into);

/// Stores convolution weights channel by channel innermost, the layout in which CPUs convolve fastest.
SECGAN_API void to_channels_last(torch::nn::Module& module);

}  // namespace secgan
