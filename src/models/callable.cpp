#include "secgan/models/callable.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/counted.hpp"
#include "core/dtype.hpp"
#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {
namespace {

/// LibTorch allows no dots in a module's own names.
std::string registered_name(std::string name) {
  std::ranges::replace(name, '.', '/');
  return name;
}

/// Registers the tensors, so that parameters(), state and moves find them.
void adopt(torch::nn::Module& module, const CallableState& state, bool callable, const NetworkSpec& spec) {
  validate(spec);
  if (!callable) throw InvalidArgument("function must be callable, found none");
  for (const auto& [name, tensor] : state.parameters) {
    if (!tensor.is_floating_point())
      throw InvalidArgument(fmt::format("parameter '{}' must be floating point, found {}", name, dtype_name(tensor)));
  }
  try {
    for (const auto& [name, tensor] : state.parameters) module.register_parameter(registered_name(name), tensor, tensor.requires_grad());
    for (const auto& [name, tensor] : state.buffers) module.register_buffer(registered_name(name), tensor);
  } catch (const c10::Error& error) {
    throw InvalidArgument(error.what_without_backtrace());
  }
}

/// What a custom generator outputs is final: photos in [-1, 1], masks as logits.
NetworkSpec without_activation(NetworkSpec spec) {
  spec.output = OutputActivation::kLogits;
  return spec;
}

}  // namespace

CallableGeneratorImpl::CallableGeneratorImpl(const NetworkSpec& spec, Function function, CallableState state)
    : GeneratorImpl(without_activation(spec)), function_(std::move(function)), train_(std::move(state.train)) {
  adopt(*this, state, static_cast<bool>(function_), spec);
  add_feature(spec.image_channels, spec.image_size);
}

void CallableGeneratorImpl::train(bool on) {
  GeneratorImpl::train(on);
  if (train_) train_(on);
}

at::Tensor CallableGeneratorImpl::decode_features(const std::vector<at::Tensor>& features, const at::Tensor& attributes) {
  at::Tensor edit = function_(features[0], attributes);
  check_shape(edit, "your generator's output", {features[0].size(0), features[0].size(1), features[0].size(2), features[0].size(3)},
              "the image's");
  return edit;
}

CallableDiscriminatorImpl::CallableDiscriminatorImpl(const NetworkSpec& spec, Function function, CallableState state)
    : DiscriminatorImpl(spec), function_(std::move(function)), train_(std::move(state.train)) {
  adopt(*this, state, static_cast<bool>(function_), spec);
}

void CallableDiscriminatorImpl::train(bool on) {
  DiscriminatorImpl::train(on);
  if (train_) train_(on);
}

Scores CallableDiscriminatorImpl::score(const at::Tensor& image) {
  Scores scores = function_(image);
  // A patch map [N, 1, h, w] is as good: every loss term takes the mean.
  if (!scores.adversarial.defined() || scores.adversarial.dim() < 2 || scores.adversarial.size(0) != image.size(0) ||
      scores.adversarial.size(1) != 1) {
    throw InvalidArgument(fmt::format(
        "your discriminator's adversarial score must be [N, 1] or [N, 1, h, w] for {}, found {}", counted(image.size(0), "image"),
        scores.adversarial.defined() ? fmt::format("[{}]", fmt::join(scores.adversarial.sizes(), ", ")) : "nothing"));
  }
  check_shape(scores.attribute_logits, "your discriminator's attribute logits", {image.size(0), spec().attributes}, "[N, A]");
  return scores;
}

Generator make_callable_generator(const NetworkSpec& spec, CallableGeneratorImpl::Function function, CallableState state) {
  const std::shared_ptr<GeneratorImpl> network = std::make_shared<CallableGeneratorImpl>(spec, std::move(function), std::move(state));
  return Generator(network);
}

Discriminator make_callable_discriminator(const NetworkSpec& spec, CallableDiscriminatorImpl::Function function, CallableState state) {
  const std::shared_ptr<DiscriminatorImpl> network =
      std::make_shared<CallableDiscriminatorImpl>(spec, std::move(function), std::move(state));
  return Discriminator(network);
}

}  // namespace secgan
