#include "secgan/training/semantic_branch.hpp"

#include <ATen/ATen.h>

#include "core/format.hpp"
#include "core/rules.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/random.hpp"

namespace secgan {
namespace {

/// For a scope, the CPU's random state is another one.
class SeedGuard {
 public:
  explicit SeedGuard(uint64_t seed) : generator_(at::detail::getDefaultCPUGenerator()) {
    const std::lock_guard lock(generator_.mutex());
    before_ = generator_.get_state();
    generator_.set_current_seed(seed);
  }
  ~SeedGuard() {
    const std::lock_guard lock(generator_.mutex());
    generator_.set_state(before_);
  }
  SeedGuard(const SeedGuard&) = delete;
  SeedGuard& operator=(const SeedGuard&) = delete;

 private:
  at::Generator generator_;
  at::Tensor before_;
};

/// Networks whose first weights follow from the seed, whatever the host has drawn so far.
auto make_branch(const CompanionBranchOptions& options) {
  const SeedGuard seeded(options.seed);
  Generator generator = make_generator(options.generator);
  Discriminator discriminator = make_discriminator(options.discriminator);
  return Branch<Generator, Discriminator, Accumulated<Adam>>{
      generator, discriminator, Accumulated(Adam(generator->parameters(), options.generator_adam), options.accumulate),
      Accumulated(Adam(discriminator->parameters(), options.discriminator_adam), options.accumulate)};
}

CompanionBranchOptions checked(CompanionBranchOptions options, int64_t classes) {
  options.adapt(classes);
  options.validate();
  return options;
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

/// Where the host's autocast picks float16, gradients without its scaler underflow: the branch computes in float32.
bool use_bfloat16(bool wanted, at::DeviceType device) {
  return wanted || (at::autocast::is_autocast_enabled(device) && at::autocast::get_autocast_dtype(device) == at::kBFloat16);
}

void check_photo(const at::Tensor& photo, std::string_view name, const CompanionBranchOptions& options) {
  const int64_t side = options.generator.image_size;
  check_shape(photo, name, {kAny, 3, side, side}, "[N, 3, S, S]");
  if (!photo.is_floating_point())
    throw InvalidArgument(fmt::format("{} must be of a floating-point type, found {}", name, c10::toString(photo.scalar_type())));
}

void check_labels(const at::Tensor& labels, std::string_view name, const at::Tensor& image, const CompanionBranchOptions& options) {
  check_shape(labels, name, {image.size(0), options.generator.attributes}, "[N, A]");
  if (labels.device() != image.device()) {
    throw InvalidArgument(fmt::format("{} must be on the image's device {}, found {}", name, image.device().str(), labels.device().str()));
  }
  const at::Tensor wrong = labels.ne(0).logical_and(labels.ne(1));
  if (wrong.any().item<bool>()) {
    throw InvalidArgument(fmt::format("{} must be 0 or 1, found {}", name, labels.masked_select(wrong)[0].item<double>()));
  }
}

template <class Report>
void append(Figures& figures, const Report& report) {
  for (const auto& [name, value] : report.terms) figures.emplace_back(std::string(name), value.template item<double>());
}

}  // namespace

void CompanionBranchOptions::adapt(int64_t classes) {
  generator.image_channels = discriminator.image_channels = classes;
  generator.output = OutputActivation::kLogits;
}

void CompanionBranchOptions::validate() const {
  if (generator.attributes != discriminator.attributes) {
    throw InvalidArgument(fmt::format("generator and discriminator must have the same attributes, found {} and {}", generator.attributes,
                                      discriminator.attributes));
  }
  if (generator.image_size != discriminator.image_size) {
    throw InvalidArgument(fmt::format("generator and discriminator must have the same image_size, found {} and {}", generator.image_size,
                                      discriminator.image_size));
  }
  generator.validate();
  discriminator.validate();
  losses.validate();
  generator_adam.validate();
  discriminator_adam.validate();
  require_positive("accumulate", accumulate);
}

CompanionBranchImpl::CompanionBranchImpl(FaceParser parser, CompanionBranchOptions options)
    : options_(checked(std::move(options), parser.classes())),
      parser_(std::move(parser)),
      branch_(make_branch(options_)),
      semantic_(branch_, parser_, options_.losses) {
  register_module("generator", branch_.generator);
  register_module("discriminator", branch_.discriminator);
  register_module("generator_optimizer", optimizer_state(branch_.generator_optimizer.inner()));
  register_module("discriminator_optimizer", optimizer_state(branch_.discriminator_optimizer.inner()));
  seed_ = register_buffer("seed", at::full({}, static_cast<int64_t>(options_.seed), at::kLong));
  discriminator_steps_ = register_buffer("discriminator_steps", at::zeros({}, at::kLong));
}

GanBatch CompanionBranchImpl::batch(const at::Tensor& image, const at::Tensor& source, const at::Tensor& target) const {
  check_photo(image, "image", options_);
  check_labels(source, "source", image, options_);
  check_labels(target, "target", image, options_);
  if (image.numel() > 0) {
    const double largest = image.detach().abs().max().item<double>();
    if (!(largest <= 1.01)) throw InvalidArgument(fmt::format("image must lie in [-1, 1], found {}", largest));
  }
  const at::Tensor weight = branch_.generator->parameters().front();
  if (weight.device() != image.device()) {
    throw InvalidArgument(fmt::format("image must be on the branch's device {}, found {}", weight.device().str(), image.device().str()));
  }
  GanBatch out;
  out.photo = image.detach().to(weight.scalar_type());
  out.source = source.detach().to(weight.scalar_type());
  out.target = target.detach().to(weight.scalar_type());
  return out;
}

Figures CompanionBranchImpl::discriminator_step(const at::Tensor& image, const at::Tensor& source, const at::Tensor& target) {
  GanBatch batch = this->batch(image, source, target);
  Figures figures;
  if (image.size(0) == 0) return figures;
  const at::AutoGradMode gradients(true);
  const AutocastGuard autocast(use_bfloat16(options_.losses.bfloat16, image.device().type()), image.device().type());
  const at::Generator random =
      seeded_generator(mix_seed(static_cast<uint64_t>(seed_.item<int64_t>()), 0x5e9b, discriminator_steps_.item<int64_t>()));
  batch.weight = at::rand({image.size(0)}, random, at::kFloat).to(image.device());
  append(figures, semantic_.discriminator_update(batch));
  discriminator_steps_ += 1;
  return figures;
}

at::Tensor CompanionBranchImpl::generator_step(const at::Tensor& image, const at::Tensor& edited, const at::Tensor& source,
                                               const at::Tensor& target) {
  const GanBatch batch = this->batch(image, source, target);
  check_photo(edited, "edited", options_);
  check_same_shape(image, "image", edited, "edited");
  generator_figures_.clear();
  // Nothing to agree on: a zero that still hangs on the host's graph.
  const at::Tensor nothing = full_precision(edited).sum() * 0;
  if (image.size(0) == 0) return nothing;
  const at::AutoGradMode gradients(true);
  const AutocastGuard autocast(use_bfloat16(options_.losses.bfloat16, image.device().type()), image.device().type());
  const auto update = semantic_.generator_update(batch, edited.to(batch.photo.scalar_type()));
  append(generator_figures_, update.mask);
  if (!(options_.losses.photo.semantic_consistency > 0)) return nothing;
  GeneratorPass pass;
  pass.log_probs = update.image_log_probs;
  pass.counterpart_log_probs = update.mask_log_probs;
  const LossReport image_report = photo_consistency_objective(options_.losses)(pass);
  generator_figures_.emplace_back("image_consistency", image_report["semantic_consistency"]);
  return image_report.total;
}

}  // namespace secgan
