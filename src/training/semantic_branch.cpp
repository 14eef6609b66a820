#include "secgan/training/semantic_branch.hpp"

#include <ATen/ATen.h>

#include "core/floating.hpp"
#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/random.hpp"
#include "secgan/core/scalars.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/nn/state.hpp"

namespace secgan {
namespace {

/// Networks whose first weights follow from the seed, whatever the host has drawn so far.
auto seeded_branch(const SemanticBranchConfig& config, int64_t classes, const ProcessGroup& processes) {
  const NetworkSpec spec{config.attributes, config.image_size, classes, OutputActivation::kLogits};
  const SemanticBranchOptions& options = config.options;
  const SeedGuard seeded(options.seed);
  Generator generator = make_generator(spec, options.generator);
  Discriminator discriminator = make_discriminator(spec, options.discriminator);
  const auto accumulated = [&](const AdamOptions& adam) {
    return [&](std::vector<at::Tensor> parameters) {
      return Accumulated(Synchronized(Adam(std::move(parameters), adam), processes), options.accumulate);
    };
  };
  return make_branch(generator, discriminator, accumulated(options.generator_adam), accumulated(options.discriminator_adam));
}

/// Buffers of an optimizer as a tree: "first_moment.0" is buffer "0" of module "first_moment".
std::shared_ptr<torch::nn::Module> optimizer_state(Adam& adam) {
  auto root = std::make_shared<torch::nn::Module>();
  adam.visit_state([&](const std::string& name, at::Tensor& tensor) {
    const size_t dot = name.find('.');
    const std::string group = name.substr(0, dot);
    if (root->named_children().find(group) == nullptr) root->register_module(group, std::make_shared<torch::nn::Module>());
    (*root->named_children().find(group))->register_buffer(name.substr(dot + 1), tensor);
  });
  return root;
}

/// A process without samples takes part in the others' update.
void update_idly(auto& optimizer) {
  optimizer.zero_grad();
  optimizer.step();
}

/// Where the host's autocast picks float16, gradients without its scaler underflow: the branch computes in float32.
bool use_bfloat16(bool wanted, at::DeviceType device) {
  return wanted || (at::autocast::is_autocast_enabled(device) && at::autocast::get_autocast_dtype(device) == at::kBFloat16);
}

void check_photo(const at::Tensor& photo, std::string_view name, const SemanticBranchConfig& config) {
  check_shape(photo, name, {kAny, 3, config.image_size, config.image_size}, "[N, 3, S, S]");
  check_floating(photo, name);
}

void check_labels(const at::Tensor& labels, std::string_view name, const at::Tensor& image, const SemanticBranchConfig& config) {
  check_shape(labels, name, {image.size(0), config.attributes}, "[N, A]");
  if (labels.device() != image.device()) {
    throw InvalidArgument(fmt::format("{} must be on the image's device {}, found {}", name, image.device().str(), labels.device().str()));
  }
  const at::Tensor wrong = labels.ne(0).logical_and(labels.ne(1));
  if (wrong.any().item<bool>()) {
    throw InvalidArgument(fmt::format("{} must be 0 or 1, found {}", name, labels.masked_select(wrong)[0].item<double>()));
  }
}

}  // namespace

void SemanticBranchOptions::check() const {
  if (augment.brightness == 0 && augment.contrast == 0) return;
  throw InvalidArgument(
      fmt::format("augment: masks have no brightness and no contrast, found {} and {}", augment.brightness, augment.contrast));
}

SemanticBranchImpl::SemanticBranchImpl(FaceParser parser, SemanticBranchConfig config)
    : config_(checked(std::move(config))),
      parser_(std::move(parser)),
      branch_(seeded_branch(config_, parser_.classes(), processes_)),
      step_(branch_, parser_, config_.options.losses) {
  register_module("generator", branch_.generator);
  register_module("discriminator", branch_.discriminator);
  register_module("generator_optimizer", optimizer_state(branch_.generator_optimizer.inner().inner()));
  register_module("discriminator_optimizer", optimizer_state(branch_.discriminator_optimizer.inner().inner()));
  seed_ = register_buffer("seed", at::full({}, static_cast<int64_t>(config_.options.seed), at::kLong));
  discriminator_steps_ = register_buffer("discriminator_steps", at::zeros({}, at::kLong));
  generator_steps_ = at::zeros({}, at::kLong);
  if (config_.options.augment.any()) register_buffer("generator_steps", generator_steps_);
}

GanBatch SemanticBranchImpl::batch(const at::Tensor& image, const at::Tensor& source, const at::Tensor& target) const {
  check_photo(image, "image", config_);
  check_labels(source, "source", image, config_);
  check_labels(target, "target", image, config_);
  if (image.numel() > 0) {
    const auto largest = image.detach().abs().max().item<double>();
    if (!(largest <= 1.01)) throw InvalidArgument(fmt::format("image must lie in [-1, 1], found {}", largest));
  }
  const at::Tensor weight = branch_.generator->parameters().front();
  if (weight.device() != image.device()) {
    throw InvalidArgument(fmt::format("image must be on the branch's device {}, found {}", weight.device().str(), image.device().str()));
  }
  const auto own = [&](const at::Tensor& tensor) { return tensor.detach().to(weight.scalar_type()); };
  return {own(image), own(source), own(target)};
}

Augmentation SemanticBranchImpl::augmentation(int64_t which, const at::Tensor& step, int64_t n) const {
  if (!config_.options.augment.any()) return {};
  const auto seed = static_cast<uint64_t>(seed_.item<int64_t>());
  const at::Generator random = seeded_generator(mix_seed(seed, RandomPurpose::kAugmentation, which, step.item<int64_t>()));
  const at::Device device = branch_.generator->parameters().front().device();
  return draw_augmentation(config_.options.augment, n * processes_.size(), config_.image_size, random).each([&](const at::Tensor& rows) {
    return rows.narrow(0, n * processes_.rank(), n).to(device);
  });
}

void SemanticBranchImpl::join_processes() {
  processes_ = config_.options.synchronize ? ProcessGroup::default_group() : ProcessGroup();
  if (joined_ || processes_.size() == 1) return;
  std::vector<at::Tensor> state;
  for (const auto& [name, tensor] : module_state(*this)) state.push_back(tensor);
  processes_.broadcast(state);
  joined_ = true;
}

NamedValues SemanticBranchImpl::discriminator_step(const at::Tensor& image, const at::Tensor& source, const at::Tensor& target) {
  GanBatch batch = this->batch(image, source, target);
  join_processes();
  NamedTensors losses;
  const int64_t n = image.size(0);
  if (n == 0 && processes_.size() == 1) return {};
  const at::AutoGradMode gradients(true);
  const AutocastGuard autocast(use_bfloat16(config_.options.losses.bfloat16, image.device().type()), image.device().type());
  if (n == 0) {
    update_idly(branch_.discriminator_optimizer);
  } else {
    const at::Generator random = seeded_generator(
        mix_seed(static_cast<uint64_t>(seed_.item<int64_t>()), RandomPurpose::kHostPenalty, discriminator_steps_.item<int64_t>()));
    // Drawn for all processes, so that two halves of a batch get what the whole would have got.
    const at::Tensor positions = at::rand({n * processes_.size()}, random, at::kFloat);
    batch.augmentation = augmentation(0, discriminator_steps_, n);
    const at::Tensor own = positions.narrow(0, n * processes_.rank(), n).to(image.device());
    step_.discriminator_update(batch, own, discriminator_steps_.item<int64_t>()).append_to(losses);
  }
  average_statistics(processes_, {branch_.generator.get(), branch_.discriminator.get()});
  discriminator_steps_ += 1;
  return values_of(losses);
}

at::Tensor SemanticBranchImpl::generator_step(const at::Tensor& image, const at::Tensor& edited, const at::Tensor& source,
                                              const at::Tensor& target) {
  GanBatch batch = this->batch(image, source, target);
  check_photo(edited, "edited", config_);
  check_same_shape(image, "image", edited, "edited");
  generator_losses_.clear();
  // Nothing to agree on: a zero that still hangs on the host's graph.
  const at::Tensor nothing = full_precision(edited).sum() * 0;
  join_processes();
  if (image.size(0) == 0) {
    if (processes_.size() > 1) update_idly(branch_.generator_optimizer);
    average_statistics(processes_, {branch_.generator.get(), branch_.discriminator.get()});
    generator_steps_ += 1;
    return nothing;
  }
  if (at::GradMode::is_enabled() && !edited.requires_grad()) {
    throw InvalidArgument("edited must hang on the graph of the generator that made it, found a tensor without gradient (detached?)");
  }
  const at::AutoGradMode gradients(true);
  const AutocastGuard autocast(use_bfloat16(config_.options.losses.bfloat16, image.device().type()), image.device().type());
  batch.augmentation = augmentation(1, generator_steps_, image.size(0));
  const auto update = step_.generator_update(batch, edited.to(batch.photo.scalar_type()));
  average_statistics(processes_, {branch_.generator.get(), branch_.discriminator.get()});
  generator_steps_ += 1;
  NamedTensors losses;
  update.mask.append_to(losses);
  at::Tensor total = nothing;
  if (config_.options.losses.photo.semantic_consistency > 0) {
    const LossReport of_image = photo_consistency_objective(config_.options.losses)(*update.photo);
    losses.emplace_back("image_consistency", of_image.terms.front().second);
    total = of_image.total;
  }
  generator_losses_ = values_of(losses);
  return total;
}

}  // namespace secgan
