#include "secgan/training/train.hpp"

#include <ATen/Parallel.h>

#include <iostream>
#include <thread>

#include "core/format.hpp"
#include "io/json.hpp"
#include "io/toml.hpp"
#include "secgan/core/error.hpp"
#include "secgan/nn/program.hpp"

namespace secgan {
namespace {

/// Checked, with the data set's own crop where none is chosen; from here on as many threads as asked for.
template <class Settings>
Settings prepared(Settings settings) {
  settings.data.validate();
  settings.trainer.validate();
  if (settings.threads < 0) throw InvalidArgument(fmt::format("threads {} is negative", settings.threads));
  const int64_t threads = settings.threads > 0 ? settings.threads : std::thread::hardware_concurrency();
  at::set_num_threads(static_cast<int>(threads));
  settings.data.crop = settings.data.resolved_crop();
  return settings;
}

template <class Settings>
TrainingOutcome run(TrainingTask& task, const Settings& settings, const RunControl& control) {
  Trainer trainer(settings.trainer, control.run, control.status != nullptr ? *control.status : std::cerr, to_toml(to_json(settings)));
  return trainer.run(task, control.resume, control.stop);
}

FaceParser open_program(const ParserProgram& program) {
  return FaceParser(load_torchscript(program.file), ClassMerge(program.labels), program.normalization,
                    program.input_size > 0 ? std::optional(program.input_size) : std::nullopt);
}

/// The parts of a run's bundle that are there before it.
Bundle base_of(const TrainSettings& settings, const OwnParts& own) {
  Bundle base;
  const int parsers = !settings.parser.empty() + !settings.parser_program.file.empty() + own.parser.has_value();
  if (parsers > 1) throw InvalidArgument("parser: a bundle, a program or one of your own, not several");
  if (settings.task.mask_branch) {
    if (parsers == 0) throw InvalidArgument("parser is missing: name a bundle of train-parser, or turn mask_branch off");
    if (!settings.parser.empty()) {
      base = load_bundle(settings.parser);
      if (base.parser.is_empty()) throw InvalidArgument(fmt::format("parser: bundle {} holds no parser", settings.parser));
      require_parser_fits(base.info, settings.data.image_size, settings.parser);
      base.generator = base.mask_generator = Generator(nullptr);
    } else {
      base.own_parser = own.parser ? *own.parser : open_program(settings.parser_program);
    }
  }
  if (!settings.classifier.empty()) {
    const Bundle other = load_bundle(settings.classifier);
    if (other.classifier.is_empty()) throw InvalidArgument(fmt::format("classifier: bundle {} holds no classifier", settings.classifier));
    base.classifier = other.classifier;
    base.info.attributes = other.info.attributes;
  }
  return base;
}

}  // namespace

TrainingOutcome train(const TrainSettings& settings, const RunControl& control, const OwnParts& own) {
  TrainSettings resolved = prepared(settings);
  Bundle base = base_of(settings, own);
  const std::shared_ptr<const Dataset> data = open_dataset(resolved.data, Split::kTrain, /*with_attributes=*/true, /*with_masks=*/false);
  if (!base.classifier.is_empty() && base.info.attributes != data->attributes().names()) {
    throw InvalidArgument(fmt::format("classifier: its attributes are {}, the run's are {}", fmt::join(base.info.attributes, ", "),
                                      fmt::join(data->attributes().names(), ", ")));
  }
  base.info.crop = resolved.data.crop;
  resolved.data.attributes = data->attributes().names();
  resolved.task.adapt(*data);
  SecganTask task(data, resolved.task, std::move(base), own.networks);
  return run(task, resolved, control);
}

TrainingOutcome train(const TrainParserSettings& settings, const RunControl& control) {
  TrainParserSettings resolved = prepared(settings);
  const auto data = open_dataset(resolved.data, Split::kTrain, /*with_attributes=*/false, /*with_masks=*/true);
  ParserTask task(data, resolved.task, resolved.data.crop);
  return run(task, resolved, control);
}

TrainingOutcome train(const TrainClassifierSettings& settings, const RunControl& control) {
  TrainClassifierSettings resolved = prepared(settings);
  const auto data = open_dataset(resolved.data, Split::kTrain, /*with_attributes=*/true, /*with_masks=*/false);
  resolved.data.attributes = data->attributes().names();
  ClassifierTask task(data, resolved.task, resolved.data.crop);
  return run(task, resolved, control);
}

SecganTaskOptions small_scale_recipe() {
  SecganTaskOptions recipe;
  // Every backbone at this scale, whichever the run picks. The mask branch is the narrower one.
  const auto generator = [](GeneratorOptions& options, int64_t width) {
    auto& attgan = options.attgan;
    attgan.enc_dim = attgan.dec_dim = width;
    attgan.enc_layers = attgan.dec_layers = 4;
    attgan.shortcut_layers = 1;
    attgan.inject_layers = 1;
    attgan.max_dim = 128;
    attgan.slope = 0.2;
    auto& stgan = options.stgan;
    stgan.conv_dim = width;
    stgan.n_layers = 4;
    stgan.shortcut_layers = 2;
    stgan.inject_layers = 1;
    stgan.max_dim = 128;
    stgan.one_more_conv = false;
    stgan.final_bias = true;
    auto& stargan = options.stargan;
    stargan.conv_dim = width;
    stargan.repeat_num = 3;
    attgan.upsampling = stgan.upsampling = stargan.upsampling = Upsampling::kSubpixel;  // no checkerboard, and no slower
  };
  generator(recipe.photo_generator, 24);
  generator(recipe.mask_generator, 16);

  const auto discriminator = [](DiscriminatorOptions& options, int64_t width) {
    auto& attgan = options.attgan;
    attgan.dim = width;
    attgan.norm_fn = Normalization::kNone;
    attgan.fc_dim = 128;
    attgan.fc_acti_fn = Activation::kLeakyRelu;
    attgan.n_layers = 4;
    attgan.max_dim = 128;
    attgan.slope = 0.2;
    auto& stgan = options.stgan;
    stgan.conv_dim = width;
    stgan.norm_fn = Normalization::kNone;
    stgan.fc_dim = 128;
    stgan.n_layers = 4;
    stgan.max_dim = 128;
    auto& stargan = options.stargan;
    stargan.conv_dim = width;
    stargan.repeat_num = 4;
    stargan.max_dim = 128;
    stargan.slope = 0.2;
  };
  discriminator(recipe.photo_discriminator, 16);
  discriminator(recipe.mask_discriminator, 12);

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
