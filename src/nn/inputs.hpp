#pragma once
/// What a network may be given, checked by name before LibTorch fails deep inside.

#include <ATen/autocast_mode.h>
#include <torch/nn/module.h>

#include <string_view>

#include "core/dtype.hpp"
#include "core/floating.hpp"
#include "core/format.hpp"
#include "secgan/core/device.hpp"
#include "secgan/core/error.hpp"

namespace secgan {

/// The first parameter in the order of registration; undefined where there is none.
inline at::Tensor first_parameter(const torch::nn::Module& module) {
  for (const auto& own : module.named_parameters(/*recurse=*/false)) return own.value();
  for (const auto& child : module.children()) {
    if (const at::Tensor found = first_parameter(*child); found.defined()) return found;
  }
  return {};
}

inline void check_device(const at::Tensor& tensor, std::string_view name, const at::Tensor& other, std::string_view whose) {
  if (tensor.device() == other.device()) return;
  throw InvalidArgument(
      fmt::format("{} must be on the device of {}, {}, found {}", name, whose, other.device().str(), tensor.device().str()));
}

/// Of a network's own type and device. Autocast converts types.
inline void check_input(const torch::nn::Module& network, const at::Tensor& tensor, std::string_view name) {
  check_floating(tensor, name);
  const at::Tensor weight = first_parameter(network);
  if (!weight.defined()) return;
  check_device(tensor, name, weight, "the network's weights");
  if (tensor.scalar_type() == weight.scalar_type() || at::autocast::is_autocast_enabled(tensor.device().type())) return;
  throw InvalidArgument(
      fmt::format("{} must be of the type of the network's weights, {}, found {}", name, dtype_name(weight), dtype_name(tensor)));
}

/// On a network's device, in its type; as it is where the network has no weights.
inline at::Tensor to_network(const at::Tensor& tensor, const torch::nn::Module& network) {
  const at::Tensor weight = first_parameter(network);
  return weight.defined() ? to_device(tensor, weight.device()).to(weight.scalar_type()) : tensor;
}

}  // namespace secgan
