#include "secgan/models/callable.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/rules.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {
namespace {

/// LibTorch allows no dots in a module's own names.
std::string registered_name(std::string name) {
  std::replace(name.begin(), name.end(), '.', '/');
  return name;
}

/// Registers the tensors, so that parameters(), state and moves find them.
void adopt(torch::nn::Module& module, const CallableState& state, bool callable, int64_t attributes, int64_t image_size,
           int64_t image_channels) {
  require_positive("attributes", attributes);
  require_positive("image_size", image_size);
  require_positive("image_channels", image_channels);
  if (!callable) throw InvalidArgument("function must be callable, found none");
  for (const auto& [name, tensor] : state.parameters) {
    if (!tensor.is_floating_point())
      throw InvalidArgument(fmt::format("parameter '{}' must be floating point, found {}", name, c10::toString(tensor.scalar_type())));
  }
  try {
    for (const auto& [name, tensor] : state.parameters) module.register_parameter(registered_name(name), tensor, tensor.requires_grad());
    for (const auto& [name, tensor] : state.buffers) module.register_buffer(registered_name(name), tensor);
  } catch (const c10::Error& error) {
    throw InvalidArgument(error.what_without_backtrace());
  }
}

/// What an own generator answers is final: photos in [-1, 1], masks as logits.
GeneratorOptions without_activation(GeneratorOptions options) {
  options.output = OutputActivation::kLogits;
  return options;
}

}  // namespace

CallableGeneratorImpl::CallableGeneratorImpl(GeneratorOptions options, Function function, CallableState state)
    : GeneratorImpl(without_activation(std::move(options))), function_(std::move(function)), train_(std::move(state.train)) {
  adopt(*this, state, static_cast<bool>(function_), this->options().attributes, this->options().image_size, this->options().image_channels);
  add_feature(this->options().image_channels, this->options().image_size);
}

void CallableGeneratorImpl::train(bool on) {
  GeneratorImpl::train(on);
  if (train_) train_(on);
}

at::Tensor CallableGeneratorImpl::decode_features(const std::vector<at::Tensor>& features, const at::Tensor& attributes) {
  at::Tensor edit = function_(features[0], attributes);
  check_shape(edit, "your generator's answer", {features[0].size(0), features[0].size(1), features[0].size(2), features[0].size(3)},
              "the image's");
  return edit;
}

CallableDiscriminatorImpl::CallableDiscriminatorImpl(DiscriminatorOptions options, Function function, CallableState state)
    : DiscriminatorImpl(std::move(options)), function_(std::move(function)), train_(std::move(state.train)) {
  adopt(*this, state, static_cast<bool>(function_), this->options().attributes, this->options().image_size, this->options().image_channels);
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
    throw InvalidArgument(
        fmt::format("your discriminator's adversarial score must be [N, 1] or [N, 1, h, w] for {} images, found {}", image.size(0),
                    scores.adversarial.defined() ? fmt::format("[{}]", fmt::join(scores.adversarial.sizes(), ", ")) : "nothing"));
  }
  check_shape(scores.attribute_logits, "your discriminator's attribute logits", {image.size(0), options().attributes}, "[N, A]");
  return scores;
}

Generator make_callable_generator(const GeneratorOptions& options, CallableGeneratorImpl::Function function, CallableState state) {
  const std::shared_ptr<GeneratorImpl> network = std::make_shared<CallableGeneratorImpl>(options, std::move(function), std::move(state));
  return Generator(network);
}

Discriminator make_callable_discriminator(const DiscriminatorOptions& options, CallableDiscriminatorImpl::Function function,
                                          CallableState state) {
  const std::shared_ptr<DiscriminatorImpl> network =
      std::make_shared<CallableDiscriminatorImpl>(options, std::move(function), std::move(state));
  return Discriminator(network);
}

}  // namespace secgan
