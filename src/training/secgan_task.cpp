#include "secgan/training/secgan_task.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/format.hpp"
#include "core/rules.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/random.hpp"
#include "secgan/editing/preview.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/safetensors.hpp"

namespace secgan {
namespace {

Generator made(const std::function<Generator(const GeneratorOptions&)>& maker, const GeneratorOptions& options) {
  return maker ? maker(options) : make_generator(options);
}

Discriminator made(const std::function<Discriminator(const DiscriminatorOptions&)>& maker, const DiscriminatorOptions& options) {
  return maker ? maker(options) : make_discriminator(options);
}

Branch<Generator, Discriminator, Adam> make_branch(Generator generator, Discriminator discriminator, const SecganTaskOptions& options) {
  to_channels_last(*generator);
  to_channels_last(*discriminator);
  return {generator, discriminator, Adam(generator->parameters(), options.generator_adam),
          Adam(discriminator->parameters(), options.discriminator_adam)};
}

void append(Scalars& scalars, const std::string& prefix, const LossReport& report) {
  for (const auto& [name, value] : report.terms) scalars.emplace_back(prefix + std::string(name), value.item<double>());
}

}  // namespace

void SecganTaskOptions::adapt(const Dataset& data) {
  const auto common = [&](auto& network, int64_t channels) {
    network.attributes = data.attributes().size();
    network.image_size = data.image_size();
    network.image_channels = channels;
  };
  common(photo_generator, 3);
  common(photo_discriminator, 3);
  common(mask_generator, kSecganClasses);
  common(mask_discriminator, kSecganClasses);
  photo_generator.output = OutputActivation::kTanh;
  mask_generator.output = OutputActivation::kLogits;
}

void SecganTaskOptions::validate(const NetworkMakers& makers) const {
  if (!makers.photo_generator) photo_generator.validate();
  if (!makers.photo_discriminator) photo_discriminator.validate();
  if (mask_branch && !makers.mask_generator) mask_generator.validate();
  if (mask_branch && !makers.mask_discriminator) mask_discriminator.validate();
  losses.validate();
  require_positive("discriminator_updates", discriminator_updates);
  if (!(average_decay >= 0 && average_decay < 1)) {
    throw InvalidArgument(fmt::format("average_decay {} is not in [0, 1)", average_decay));
  }
  if (loader.batch < 2) throw InvalidArgument(fmt::format("batch {} is below 2: targets are the batch's labels permuted", loader.batch));
}

SecganTask::SecganTask(std::shared_ptr<const Dataset> data, SecganTaskOptions options, Bundle base, NetworkMakers makers)
    : options_((options.adapt(*data), options)),
      makers_(std::move(makers)),
      loader_(data, options.loader),
      bundle_(std::move(base)),
      photo_((options_.validate(makers_), torch::manual_seed(options_.loader.seed),
              make_branch(made(makers_.photo_generator, options_.photo_generator),
                          made(makers_.photo_discriminator, options_.photo_discriminator), options_))) {
  bundle_.info.image_size = data->image_size();
  bundle_.info.attributes = data->attributes().names();
  bundle_.info.intensity = options_.losses.intensity;
  bundle_.info.conditioning = Conditioning::kDifference;
  bundle_.generator = made(makers_.photo_generator, options_.photo_generator);
  photo_average_.emplace(*photo_.generator, *bundle_.generator, options_.average_decay);
  if (options_.mask_branch) {
    mask_ = make_branch(made(makers_.mask_generator, options_.mask_generator),
                        made(makers_.mask_discriminator, options_.mask_discriminator), options_);
    bundle_.mask_generator = made(makers_.mask_generator, options_.mask_generator);
    mask_average_.emplace(*mask_->generator, *bundle_.mask_generator, options_.average_decay);
    if (!bundle_.parser.is_empty()) to_channels_last(*bundle_.parser);
    parser_ = bundle_.face_parser();
    if (parser_->classes() != kSecganClasses) {
      throw InvalidArgument(
          fmt::format("parser: it tells {} classes apart, the mask branch works on {}", parser_->classes(), kSecganClasses));
    }
  }
  step_.emplace(photo_, mask_ ? &*mask_ : nullptr, parser_ ? &*parser_ : nullptr, options_.losses);
}

GanBatch SecganTask::gan_batch(int64_t index) {
  Batch batch = loader_.get(index);
  const at::Generator random = seeded_generator(mix_seed(options_.loader.seed, 0x9a11, index));
  const int64_t n = batch.photo.size(0);
  GanBatch out;
  out.photo = batch.photo;
  out.source = batch.labels;
  out.target = permuted_targets(batch.labels, at::randperm(n, random, at::kLong));
  out.weight = at::rand({n}, random);
  return out;
}

Scalars SecganTask::step(int64_t step, double rate) {
  Scalars scalars;
  const auto set_rate = [&](NetworkBranch& branch) {
    branch.generator_optimizer.set_learning_rate(rate * options_.generator_adam.learning_rate);
    branch.discriminator_optimizer.set_learning_rate(rate * options_.discriminator_adam.learning_rate);
  };
  set_rate(photo_);
  if (mask_) set_rate(*mask_);

  const int64_t first = step * (options_.discriminator_updates + 1);
  for (int64_t i = 0; i < options_.discriminator_updates; ++i) {
    const GanBatch batch = gan_batch(first + i);
    const StepReport report = step_->discriminator_update(batch);
    append(scalars, "photo/discriminator/", report.photo);
    if (report.mask) append(scalars, "mask/discriminator/", *report.mask);
    scalars.emplace_back("photo/discriminator/accuracy", report.attribute_accuracy);
    health_.real_accuracy += report.attribute_accuracy;
    health_.discriminator_updates += 1;
    health_.label_sum = health_.label_sum.defined() ? health_.label_sum + batch.source.sum(0) : batch.source.sum(0);
    health_.labels += batch.source.size(0);
  }
  const StepReport report = step_->generator_update(gan_batch(first + options_.discriminator_updates));
  append(scalars, "photo/generator/", report.photo);
  if (report.mask) append(scalars, "mask/generator/", *report.mask);
  scalars.emplace_back("photo/generator/accuracy", report.attribute_accuracy);
  scalars.emplace_back("photo/generator/edit_distance", report.edit_distance);
  health_.edit_distance += report.edit_distance;
  health_.generator_updates += 1;
  photo_average_->update(step);
  if (mask_average_) mask_average_->update(step);
  return scalars;
}

std::vector<std::string> SecganTask::warnings(int64_t step) {
  std::vector<std::string> out;
  const Health health = std::exchange(health_, {});
  // Too early, everything looks like this.
  if (step < 200 || health.generator_updates == 0 || health.discriminator_updates == 0) return out;
  const double distance = health.edit_distance / static_cast<double>(health.generator_updates);
  if (distance < 0.002) {
    out.push_back(
        fmt::format("edits equal the reconstruction (mean difference {:.4f} of a range of 2): raise "
                    "generator_attribute or lower reconstruction and shortcut_layers",
                    distance));
  }
  const at::Tensor share = health.label_sum / health.labels;
  const double guess = at::max(share, 1 - share).mean().item<double>();
  const double accuracy = health.real_accuracy / static_cast<double>(health.discriminator_updates);
  if (accuracy < guess + 0.05 * (1 - guess)) {
    out.push_back(
        fmt::format("the discriminator's attribute head learns nothing: {:.3f} right on real photos, always "
                    "guessing the more frequent label gives {:.3f}",
                    accuracy, guess));
  }
  return out;
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
    add_optimizer(branch.generator_optimizer, "generator_optimizer.");
    add_optimizer(branch.discriminator_optimizer, "discriminator_optimizer.");
  };
  add_branch(photo_, "photo.");
  add_module(*bundle_.generator, "photo.average.");
  if (mask_) {
    add_branch(*mask_, "mask.");
    add_module(*bundle_.mask_generator, "mask.average.");
  }
  return state;
}

at::Tensor SecganTask::samples() {
  // The first photos of the data set, so that pictures of different steps compare.
  std::vector<at::Tensor> photos, labels;
  for (int64_t i = 0; i < std::min<int64_t>(6, loader_.dataset().size()); ++i) {
    const Sample sample = loader_.dataset().get(i);
    photos.push_back(to_float(sample.image));
    labels.push_back(sample.labels);
  }
  return preview(bundle_, at::stack(photos), at::stack(labels));
}

Bundle SecganTask::bundle() const { return bundle_; }

void SecganTask::save_result(const std::filesystem::path& run) {
  Bundle named = bundle_;
  // What no bundle can hold is written as tensors, under the names that its maker gave.
  const auto set_aside = [&](Generator& generator, const std::string& name) {
    if (generator.is_empty() || generator->named()) return;
    NamedTensors tensors;
    for (auto [key, tensor] : module_state(*generator)) {
      std::replace(key.begin(), key.end(), '/', '.');
      tensors.emplace_back(key, tensor.detach());
    }
    write_file(run / (name + ".safetensors"), encode_safetensors(tensors, {{"format", "pt"}}));
    generator = Generator(nullptr);
  };
  set_aside(named.generator, "photo_generator");
  set_aside(named.mask_generator, "mask_generator");
  save_bundle(run / "bundle", named);
}

}  // namespace secgan
