#include "secgan/training/train.hpp"

#include <iostream>
#include <utility>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/threads.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/io/settings.hpp"
#include "secgan/nn/program.hpp"

namespace secgan {
namespace {

/// Checked, with the data set's own crop where none is chosen.
template <class Settings>
Settings resolved(Settings settings) {
  validate(settings);
  settings.data.crop = settings.data.resolved_crop();
  return settings;
}

template <class Settings>
TrainingOutcome run(TrainingTask& task, const Settings& settings, const RunControl& control) {
  Trainer trainer(settings.trainer, control.run, control.status != nullptr ? *control.status : std::cerr, settings_text(settings));
  return trainer.run(task, control.resume, control.stop);
}

/// What a bundle says of the photos that it is trained on.
void describe_photos(const DataSettings& settings, const Dataset& data, BundleInfo& info) {
  info.crop = settings.crop;
  info.trained_on = settings.source.title();
  info.photo_size.clear();
  if (const std::string terms = settings.source.terms(); !terms.empty()) info.license = terms;
  if (settings.source.kind == DataKind::kSynthetic) return;
  const at::Tensor first = read_image(data.sample_name(0));
  info.photo_size = to_string(PhotoSize{first.size(2), first.size(1)});
}

BundleInfo described_photos(const DataSettings& settings, const Dataset& data) {
  BundleInfo info;
  describe_photos(settings, data, info);
  return info;
}

/// The parts of a run's bundle that are there before it.
Bundle base_of(const TrainSettings& settings, const CustomParts& custom) {
  Bundle base;
  if (settings.task.mask_branch) {
    const ParserProgram& program = settings.parser_program;
    const int parsers =
        static_cast<int>(!settings.parser.empty()) + static_cast<int>(!program.file.empty()) + static_cast<int>(custom.parser.has_value());
    if (parsers == 0)
      throw InvalidArgument(
          "parser is missing: name a bundle of train-parser, or train without a mask branch (--no-mask-branch, task.mask_branch = false)");
    if (parsers > 1) throw InvalidArgument("parser: a bundle, a program or a custom one, not several");
    if (!settings.parser.empty()) {
      base = load_bundle_with(BundlePart::kParser, settings.parser, "parser");
      require_parser_fits(base, settings.data.image_size, settings.parser);
      base.generator = base.mask_generator = Generator(nullptr);
    } else {
      base.parser = custom.parser ? *custom.parser : FaceParser(load_torchscript(program.file), program.input);
    }
  }
  if (!settings.classifier.empty()) {
    const Bundle other = load_bundle_with(BundlePart::kClassifier, settings.classifier, "classifier");
    base.classifier = other.classifier;
    base.info.attributes = other.info.attributes;
  }
  return base;
}

}  // namespace

TrainingOutcome train(const TrainSettings& given, const RunControl& control, const CustomParts& custom) {
  TrainSettings settings = resolved(given);
  const ThreadGuard threads(settings.threads);
  Bundle base = base_of(settings, custom);
  const auto data = open_dataset(settings.data, Split::kTrain, /*with_attributes=*/true, /*with_masks=*/false);
  settings.data.attributes = data->attributes().names();
  if (!base.classifier.is_empty() && base.info.attributes != settings.data.attributes) {
    throw InvalidArgument(fmt::format("classifier: its attributes are {}, the run's are {}", fmt::join(base.info.attributes, ", "),
                                      fmt::join(settings.data.attributes, ", ")));
  }
  describe_photos(settings.data, *data, base.info);
  SecganTask task(data, settings.task, std::move(base), custom.networks);
  return run(task, settings, control);
}

TrainingOutcome train(const TrainParserSettings& given, const RunControl& control) {
  const TrainParserSettings settings = resolved(given);
  const ThreadGuard threads(settings.threads);
  const auto data = open_dataset(settings.data, Split::kTrain, /*with_attributes=*/false, /*with_masks=*/true);
  ParserTask task(data, settings.task, described_photos(settings.data, *data));
  return run(task, settings, control);
}

TrainingOutcome train(const TrainClassifierSettings& given, const RunControl& control) {
  TrainClassifierSettings settings = resolved(given);
  const ThreadGuard threads(settings.threads);
  const auto data = open_dataset(settings.data, Split::kTrain, /*with_attributes=*/true, /*with_masks=*/false);
  settings.data.attributes = data->attributes().names();
  ClassifierTask task(data, settings.task, described_photos(settings.data, *data));
  return run(task, settings, control);
}

SecganTaskOptions small_scale_recipe(std::string_view backbone, std::string_view mask_backbone) {
  if (mask_backbone.empty()) mask_backbone = backbone;
  SecganTaskOptions recipe;
  // The mask branch is the narrower one.
  recipe.photo_generator = GeneratorOptions::small(backbone, 24);
  recipe.photo_discriminator = DiscriminatorOptions::small(backbone, 16);
  recipe.mask_generator = GeneratorOptions::small(mask_backbone, 16);
  recipe.mask_discriminator = DiscriminatorOptions::small(mask_backbone, 12);

  recipe.losses.photo.reconstruction = 65;
  recipe.losses.photo.generator_attribute = 5;
  recipe.losses.photo.discriminator_attribute = 4;  // its attribute head has to be ahead of the edits, in few steps
  recipe.losses.photo.semantic_consistency = recipe.losses.mask.semantic_consistency = 10;
  recipe.losses.bfloat16 = true;
  recipe.generator_adam.learning_rate = recipe.discriminator_adam.learning_rate = 1e-3;
  recipe.discriminator_updates = 2;
  recipe.average_decay = 0.995;
  recipe.loader.batch = 16;
  return recipe;
}

TrainParserSettings small_scale_parser(const DataSettings& data, int64_t steps, uint64_t seed) {
  TrainParserSettings settings;
  settings.data = data;
  settings.task.training.bfloat16 = true;
  settings.task.training.loader.seed = seed;
  settings.trainer = {.steps = steps, .log_every = 20, .sample_every = 0, .checkpoint_every = 0, .decay_start = 0, .final_rate = 0};
  return settings;
}

TrainClassifierSettings small_scale_classifier(const DataSettings& data, int64_t steps, uint64_t seed) {
  TrainClassifierSettings settings;
  settings.data = data;
  settings.task.training.adam.learning_rate = 2e-3;
  settings.task.training.bfloat16 = true;
  settings.task.training.loader = {.batch = 64, .seed = seed};
  settings.trainer = {.steps = steps, .log_every = 20, .sample_every = 0, .checkpoint_every = 0, .decay_start = 0, .final_rate = 0};
  return settings;
}

}  // namespace secgan
