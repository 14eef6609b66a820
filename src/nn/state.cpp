#include "secgan/nn/state.hpp"

#include <ATen/ATen.h>

#include <unordered_map>

#include "core/dtype.hpp"
#include "core/format.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

void collect(const torch::nn::Module& module, const std::string& prefix, NamedTensors& out) {
  for (const auto& item : module.named_parameters(/*recurse=*/false)) out.emplace_back(prefix + item.key(), item.value());
  for (const auto& item : module.named_buffers(/*recurse=*/false)) out.emplace_back(prefix + item.key(), item.value());
  for (const auto& child : module.named_children()) collect(*child.value(), prefix + child.key() + ".", out);
}

}  // namespace

NamedTensors module_state(const torch::nn::Module& module, const std::string& prefix) {
  NamedTensors state;
  collect(module, prefix, state);
  return state;
}

void load_tensors(const NamedTensors& into, const NamedTensors& tensors, const std::string& prefix, std::string_view source) {
  std::unordered_map<std::string_view, at::Tensor> given;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(prefix)) given.emplace(name, tensor);
  }
  for (const auto& [name, target] : into) {
    const auto found = given.find(name);
    if (found == given.end()) throw Error(fmt::format("{}: tensor '{}' is missing", source, name));
    if (found->second.sizes() != target.sizes()) {
      throw Error(fmt::format("{}: tensor '{}' has shape [{}], the network's options ask for [{}]", source, name,
                              fmt::join(found->second.sizes(), ", "), fmt::join(target.sizes(), ", ")));
    }
    // Whole numbers would be weights of a quantized network, without their scale.
    if (target.is_floating_point() && !found->second.is_floating_point()) {
      throw Error(fmt::format("{}: tensor '{}' is of type {}, the network asks for {}", source, name, dtype_name(found->second),
                              dtype_name(target)));
    }
  }
  if (given.size() != into.size()) {
    std::unordered_map<std::string_view, bool> wanted;
    for (const auto& [name, target] : into) wanted.emplace(name, true);
    for (const auto& [name, tensor] : tensors) {
      if (given.contains(name) && !wanted.contains(name)) {
        throw Error(fmt::format("{}: tensor '{}' belongs to no layer of the network", source, name));
      }
    }
  }
  at::NoGradGuard no_grad;
  for (const auto& [name, target] : into) at::Tensor(target).copy_(given.at(name));
}

void load_module_state(torch::nn::Module& module, const NamedTensors& tensors, const std::string& prefix, std::string_view source) {
  load_tensors(module_state(module, prefix), tensors, prefix, source);
}

std::string first_not_finite(const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    const bool counts = tensor.is_floating_point() || tensor.is_complex();
    if (counts && tensor.numel() > 0 && !at::isfinite(tensor).all().item<bool>()) return name;
  }
  return {};
}

void require_finite(const NamedTensors& tensors, std::string_view source) {
  const std::string name = first_not_finite(tensors);
  if (!name.empty())
    throw Error(fmt::format("{}: tensor '{}' is not finite: the network it is from diverged, or the file is damaged", source, name));
  for (const auto& [variance, tensor] : tensors) {
    // Its root is taken.
    if (variance.ends_with("running_var") && tensor.numel() > 0 && tensor.min().item<double>() < 0)
      throw Error(fmt::format("{}: tensor '{}' holds a negative variance: the file is damaged", source, variance));
  }
}

void copy_module_state(const torch::nn::Module& from, torch::nn::Module& into) { load_module_state(into, module_state(from), "", "copy"); }

void to_channels_last(torch::nn::Module& module) {
  for (at::Tensor& parameter : module.parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.detach().contiguous(at::MemoryFormat::ChannelsLast));
  }
}

}  // namespace secgan
