#include "secgan/training/secgan_task.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "core/process_seed.hpp"
#include "models/builtin.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/random.hpp"
#include "secgan/core/scalars.hpp"
#include "secgan/editing/preview.hpp"
#include "secgan/io/digest.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/safetensors.hpp"
#include "secgan/nn/autocast.hpp"
#include "secgan/nn/state.hpp"
#include "secgan/training/targets.hpp"
#include "training/diagnosis.hpp"
#include "training/held_out.hpp"
#include "training/identity.hpp"

namespace secgan {
namespace {

using NetworkBranch = Branch<Generator, Discriminator, Synchronized<Adam>>;

NetworkBranch adam_branch(Generator generator, Discriminator discriminator, const SecganTaskOptions& options, const ProcessGroup& processes,
                          const Device& device) {
  generator->to(device);
  discriminator->to(device);
  to_channels_last(*generator);
  to_channels_last(*discriminator);
  const auto adam = [&](const AdamOptions& of) {
    return [&](std::vector<at::Tensor> parameters) { return Synchronized(Adam(std::move(parameters), of), processes); };
  };
  return make_branch(generator, discriminator, adam(options.generator_adam), adam(options.discriminator_adam));
}

/// Share of the labels that guessing each attribute's more frequent value gets right; nullopt where the data set cannot tell its labels.
std::optional<double> most_frequent(const Dataset& data) {
  at::Tensor sum;
  int64_t photos = 0;
  for (int64_t i = 0; i < data.size(); ++i) {
    const at::Tensor labels = data.labels(i);
    if (!labels.defined()) return std::nullopt;
    if (labels.isnan().any().item<bool>()) continue;
    sum = sum.defined() ? sum.add_(labels) : labels.clone();
    ++photos;
  }
  if (photos == 0) return std::nullopt;
  const at::Tensor share = sum / photos;
  return at::max(share, 1 - share).mean().item<double>();
}

/// Whether a network may draw when it computes: any but the library's own.
bool draws(const NetworkBranch& branch) {
  const auto from_outside = [](const auto& network) { return network.custom() || !is_builtin(network.config().options.backbone()); };
  return from_outside(*branch.generator) || from_outside(*branch.discriminator);
}

/// The bundle's classifier as a step calls it, frozen from here on; none where the bundle has none.
FrozenClassifier frozen_classifier(const Bundle& bundle, const Device& device) {
  AttributeClassifier classifier = bundle.classifier;
  if (classifier.is_empty()) return {};
  const ClassifierConfig& config = classifier->config();
  const auto attributes = static_cast<int64_t>(bundle.info.attributes.size());
  if (config.attributes != attributes || config.image_size != bundle.info.image_size) {
    throw InvalidArgument(fmt::format("classifier: it judges {} in photos of {} px, the run has {} in photos of {} px",
                                      counted(config.attributes, "attribute"), config.image_size, counted(attributes, "attribute"),
                                      bundle.info.image_size));
  }
  freeze(*classifier);
  classifier->to(device);
  to_channels_last(*classifier);
  return [classifier](const at::Tensor& photo) mutable { return classifier->forward(photo); };
}

/// With the whole job's batch.
SecganTaskOptions of_job(SecganTaskOptions options, const ProcessGroup& processes) {
  options.loader = options.loader.of_job(processes.size());
  return checked(std::move(options));
}

}  // namespace

SecganTask::~SecganTask() = default;

void SecganTaskOptions::check() const {
  if (loader.batch < 2) throw InvalidArgument(fmt::format("batch {} is below 2: targets are the batch's labels permuted", loader.batch));
}

int64_t SecganTaskOptions::discriminator_updates_before(int64_t step) const {
  constexpr int64_t kSteps = 25;
  const int64_t each = (discriminator_lead + kSteps - 1) / kSteps;
  return step * discriminator_updates + std::min(discriminator_lead, step * each);
}

double SecganTaskOptions::reconstruction_factor(int64_t step) const {
  return step + 1 < reconstruction_ramp ? static_cast<double>(step + 1) / static_cast<double>(reconstruction_ramp) : 1;
}

SecganTask::SecganTask(const std::shared_ptr<const Dataset>& data, SecganTaskOptions options, Bundle base, const CustomNetworks& custom,
                       ProcessGroup processes, const Device& device)
    : device_(device),
      processes_(std::move(processes)),
      options_(of_job(std::move(options), processes_)),
      loader_(data, options_.loader, {processes_.rank(), processes_.size()}, device),
      bundle_(std::move(base)) {
  const NetworkSpec photo{data->attributes().size(), data->image_size(), 3,
                          options_.attention ? OutputActivation::kAttention : OutputActivation::kTanh};
  const NetworkSpec mask{photo.attributes, photo.image_size, kSecganClasses, OutputActivation::kLogits};
  const auto generator = [](const auto& make, const NetworkSpec& spec, const GeneratorOptions& named) {
    return make ? make(spec) : make_generator(spec, named);
  };
  const auto discriminator = [](const auto& make, const NetworkSpec& spec, const DiscriminatorOptions& named) {
    return make ? make(spec) : make_discriminator(spec, named);
  };
  bundle_.info.image_size = photo.image_size;
  bundle_.info.attributes = data->attributes().names();
  bundle_.info.intensity = options_.losses.intensity;
  bundle_.info.conditioning = Conditioning::kDifference;
  // The networks' first weights follow from the seed and from this order.
  const SeedGuard seeded(options_.loader.seed);
  const Discriminator photo_discriminator = discriminator(custom.photo_discriminator, photo, options_.photo_discriminator);
  photo_.emplace(
      adam_branch(generator(custom.photo_generator, photo, options_.photo_generator), photo_discriminator, options_, processes_, device_));
  bundle_.generator = generator(custom.photo_generator, photo, options_.photo_generator);
  bundle_.generator->to(device_);
  photo_average_.emplace(*photo_->generator, *bundle_.generator, options_.average_decay);
  if (options_.mask_branch) {
    if (!bundle_.parser) throw InvalidArgument("parser is missing: a mask branch needs one");
    if (bundle_.parser->classes() != kSecganClasses) {
      throw InvalidArgument(fmt::format("parser: it distinguishes {}, the mask branch works on {}",
                                        counted(bundle_.parser->classes(), "class", "classes"), kSecganClasses));
    }
    const Discriminator mask_discriminator = discriminator(custom.mask_discriminator, mask, options_.mask_discriminator);
    mask_.emplace(
        adam_branch(generator(custom.mask_generator, mask, options_.mask_generator), mask_discriminator, options_, processes_, device_));
    bundle_.mask_generator = generator(custom.mask_generator, mask, options_.mask_generator);
    bundle_.mask_generator->to(device_);
    mask_average_.emplace(*mask_->generator, *bundle_.mask_generator, options_.average_decay);
    if (!bundle_.parser->custom()) {
      bundle_.parser->network()->to(device_);
      to_channels_last(*bundle_.parser->network());
    }
  }
  guess_ = most_frequent(*data);
  step_.emplace(*photo_, mask_ ? &*mask_ : nullptr, mask_ ? &*bundle_.parser : nullptr, options_.losses,
                options_.losses.photo.generator_classifier > 0 ? frozen_classifier(bundle_, device_) : FrozenClassifier());
  bundle_.info.teacher = options_.losses.photo.generator_classifier > 0 ? sha256_rounded_tensors(module_state(*bundle_.classifier)) : "";
}

std::pair<GanBatch, at::Tensor> SecganTask::gan_batch(int64_t index) {
  const Batch batch = loader_.get(index);
  const at::Generator random = seeded_generator(mix_seed(options_.loader.seed, RandomPurpose::kTargets, index));
  // Targets are the labels of the whole batch permuted, and what is drawn is drawn for the whole batch, however many processes share it.
  const at::Tensor labels = processes_.gather(batch.labels);
  const int64_t n = labels.size(0), share = batch.photo.size(0);
  const auto own = [&](const at::Tensor& rows) { return to_device(rows.narrow(0, processes_.rank() * share, share), device_); };
  const auto targets_of = [&](const at::Tensor& source) {
    return draw_targets(loader_.dataset().attributes(), source, options_.single_edits, random);
  };
  GanBatch out{.photo = batch.photo};
  if (!loader_.dataset().has_unlabeled()) {
    out.source = to_device(batch.labels, device_);
    out.target = own(targets_of(labels));
  } else {
    const at::Tensor known = labels.isnan().any(1).logical_not(), places = known.nonzero().squeeze(1);
    const at::Tensor all = labels.nan_to_num(0);
    out.source = own(all);
    out.target = own(all.index_copy(0, places, targets_of(all.index_select(0, places))));
    out.labeled = own(known);
  }
  const auto drawn = [&](const AugmentOptions& options, RandomPurpose purpose) {
    if (!options.any()) return Augmentation();
    return draw_augmentation(options, n, batch.photo.size(2), seeded_generator(mix_seed(options_.loader.seed, purpose, index))).each(own);
  };
  out.augmentation = drawn(options_.augment, RandomPurpose::kAugmentation);
  // A recipe may have strengths and a run put its classifier down: they mean nothing then.
  if (options_.losses.photo.generator_classifier > 0) out.judged = drawn(options_.classifier_augment, RandomPurpose::kJudgedEdits);
  return {std::move(out), own(at::rand({n}, random))};
}

NamedValues SecganTask::step(int64_t step, double rate) {
  // Two runs of one seed, and one that was resumed, are the same with dropout, too. The library's own networks draw nothing in a step, and
  // leave the process its random state.
  std::optional<ProcessSeed> seeded;
  if (draws(*photo_) || (mask_ && draws(*mask_)))
    seeded.emplace(mix_seed(options_.loader.seed, RandomPurpose::kSteps, step, processes_.rank()), device_);
  NamedTensors values;
  const auto set_rate = [&](NetworkBranch& branch) {
    branch.generator_optimizer.inner().set_learning_rate(rate * options_.generator_adam.learning_rate);
    branch.discriminator_optimizer.inner().set_learning_rate(rate * options_.discriminator_adam.learning_rate);
  };
  set_rate(*photo_);
  if (mask_) set_rate(*mask_);

  // A batch for each update of either kind, in their order.
  const int64_t begin = options_.discriminator_updates_before(step), end = options_.discriminator_updates_before(step + 1);
  for (int64_t update = begin; update < end; ++update) {
    const auto [batch, position] = gan_batch(step + update);
    const StepReport report = step_->discriminator_update(batch, position, update);
    report.photo.append_to(values, "photo/discriminator/");
    if (report.mask) report.mask->append_to(values, "mask/discriminator/");
    values.emplace_back("photo/discriminator/accuracy", report.attribute_accuracy);
  }
  const GanBatch batch = gan_batch(step + end).first;
  const StepReport report = step_->generator_update(batch, options_.reconstruction_factor(step));
  report.photo.append_to(values, "photo/generator/");
  if (report.mask) report.mask->append_to(values, "mask/generator/");
  values.emplace_back("photo/generator/accuracy", report.attribute_accuracy);
  values.emplace_back("photo/generator/edit_distance", report.edit_distance);
  std::vector<const torch::nn::Module*> networks{photo_->generator.get(), photo_->discriminator.get()};
  if (mask_) networks.insert(networks.end(), {mask_->generator.get(), mask_->discriminator.get()});
  average_statistics(processes_, networks);
  photo_average_->update(step);
  if (mask_average_) mask_average_->update(step);
  return values_of(values);
}

void SecganTask::watch(const Dataset& held_out) {
  held_out_ = std::make_unique<HeldOut>(held_out, device_);
  watched_identity_ = identity_of_held_out(held_out);
  if (bundle_.classifier.is_empty()) return;
  bundle_.classifier->to(device_);
  bundle_.classifier->eval();
}

NamedValues SecganTask::held_out() {
  if (!held_out_) return {};
  const AutocastGuard autocast(options_.losses.bfloat16, device_.type());
  return held_out_->measure(photo_->discriminator, bundle_);
}

std::vector<std::string> SecganTask::warnings(int64_t step, const NamedValues& means) {
  return diagnose(step, means, options_.losses.adversarial, guess_);
}

NamedTexts SecganTask::identity() const {
  NamedTexts identity = identity_of(loader_.dataset());
  // A custom one keeps its state to itself.
  if (bundle_.parser && !bundle_.parser->custom()) {
    identity.emplace_back("the parser", short_digest(module_state(*bundle_.parser->network())));
  }
  // A run keeps its one teacher: the bundle names it, so that it is not taken for a judge of what it taught.
  const bool taught = options_.losses.photo.generator_classifier > 0;
  identity.emplace_back("the classifier that the generator learns from", taught ? short_digest(module_state(*bundle_.classifier)) : "none");
  return identity;
}

std::vector<std::string> SecganTask::photos(int64_t step) const {
  std::vector<std::string> names;
  for (int64_t update = options_.discriminator_updates_before(step); update <= options_.discriminator_updates_before(step + 1); ++update) {
    const auto of_batch = loader_.names(step + update);
    names.insert(names.end(), of_batch.begin(), of_batch.end());
  }
  return names;
}

NamedTensors SecganTask::state() {
  NamedTensors state;
  const auto add_module = [&](const torch::nn::Module& module, const std::string& prefix) {
    const NamedTensors tensors = module_state(module, prefix);
    state.insert(state.end(), tensors.begin(), tensors.end());
  };
  const auto add_branch = [&](NetworkBranch& branch, const std::string& prefix) {
    add_module(*branch.generator, prefix + "generator.");
    add_module(*branch.discriminator, prefix + "discriminator.");
    const auto add_optimizer = [&](Adam& optimizer, const std::string& name) {
      optimizer.visit_state([&](const std::string& key, at::Tensor& tensor) { state.emplace_back(prefix + name + key, tensor); });
    };
    add_optimizer(branch.generator_optimizer.inner(), "generator_optimizer.");
    add_optimizer(branch.discriminator_optimizer.inner(), "discriminator_optimizer.");
  };
  add_branch(*photo_, "photo.");
  add_module(*bundle_.generator, "photo.average.");
  if (mask_) {
    add_branch(*mask_, "mask.");
    add_module(*bundle_.mask_generator, "mask.average.");
  }
  return state;
}

at::Tensor SecganTask::samples() {
  // The first photos of the data set, so that pictures of different steps compare.
  return example_grid(bundle_, loader_.dataset(), 6);
}

Bundle SecganTask::bundle() const { return bundle_; }

std::string SecganTask::note_on_result() const {
  if (options_.losses.photo.generator_classifier == 0) return {};
  return "its generator learned to please the classifier that is in it: judge it by another (secgan evaluate --classifier)";
}

void SecganTask::save_result(const std::filesystem::path& run) {
  Bundle kept = bundle_;
  // What no bundle can hold is written as tensors, under the names that its maker gave.
  const auto set_aside = [&](Generator& generator, const std::string& name) {
    if (generator.is_empty() || !generator->custom()) return;
    NamedTensors tensors;
    for (auto [key, tensor] : module_state(*generator)) {
      std::ranges::replace(key, '/', '.');
      tensors.emplace_back(key, tensor.detach());
    }
    write_file(run / (name + ".safetensors"), [&](const auto& append) { encode_safetensors(tensors, {{"format", "pt"}}, append); });
    generator = Generator(nullptr);
  };
  set_aside(kept.generator, "photo_generator");
  set_aside(kept.mask_generator, "mask_generator");
  if (kept.parser && kept.parser->custom()) kept.parser.reset();
  save_bundle(run / "bundle", kept);
}

}  // namespace secgan
