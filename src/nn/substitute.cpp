#include "secgan/nn/substitute.hpp"

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/instancenorm.h>
#include <torch/nn/modules/linear.h>

#include "core/format.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

template <class Layer>
at::Tensor* weight_or_bias(Layer& layer, std::string_view name) {
  return name == "weight" ? &layer.weight : name == "bias" ? &layer.bias : nullptr;
}

template <class Norm>
at::Tensor* norm_slot(Norm& norm, std::string_view name) {
  if (name == "running_mean") return &norm.running_mean;
  if (name == "running_var") return &norm.running_var;
  if (name == "num_batches_tracked") return &norm.num_batches_tracked;
  return weight_or_bias(norm, name);
}

at::Tensor* slot_of(torch::nn::Module& module, std::string_view name) {
  using namespace torch::nn;
  if (auto* own = dynamic_cast<TensorSlots*>(&module)) return own->slot(name);
  if (auto* layer = dynamic_cast<Conv2dImpl*>(&module)) return weight_or_bias(*layer, name);
  if (auto* layer = dynamic_cast<ConvTranspose2dImpl*>(&module)) return weight_or_bias(*layer, name);
  if (auto* layer = dynamic_cast<LinearImpl*>(&module)) return weight_or_bias(*layer, name);
  if (auto* layer = dynamic_cast<BatchNorm2dImpl*>(&module)) return norm_slot(*layer, name);
  if (auto* layer = dynamic_cast<BatchNorm1dImpl*>(&module)) return norm_slot(*layer, name);
  if (auto* layer = dynamic_cast<InstanceNorm2dImpl*>(&module)) return norm_slot(*layer, name);
  return nullptr;
}

}  // namespace

Substitution::Substitution(torch::nn::Module& module, const NamedTensors& tensors) {
  const auto modules = module.named_modules();
  // All are looked up before the first is replaced.
  for (const auto& [name, tensor] : tensors) {
    const size_t dot = name.rfind('.');
    const std::string path = dot == std::string::npos ? "" : name.substr(0, dot);
    const auto* owner = modules.find(path);
    at::Tensor* slot = owner == nullptr ? nullptr : slot_of(**owner, std::string_view(name).substr(dot == std::string::npos ? 0 : dot + 1));
    if (slot == nullptr || !slot->defined()) throw InvalidArgument(fmt::format("tensor '{}' is none of the network's", name));
    if (!tensor.defined() || tensor.sym_sizes() != slot->sym_sizes()) {
      throw InvalidArgument(fmt::format("tensor '{}' must be of shape [{}], found {}", name, fmt::join(slot->sizes(), ", "),
                                        tensor.defined() ? fmt::format("[{}]", fmt::join(tensor.sizes(), ", ")) : "none"));
    }
    own_.emplace_back(slot, tensor);
  }
  for (auto& [slot, tensor] : own_) std::swap(*slot, tensor);
}

void Substitution::restore() {
  for (auto& [slot, tensor] : own_) *slot = std::move(tensor);
  own_.clear();
}

}  // namespace secgan
