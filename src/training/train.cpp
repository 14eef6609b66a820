#include "secgan/training/train.hpp"

#include <algorithm>
#include <array>
#include <iostream>
#include <memory>
#include <thread>
#include <utility>

#include "core/counted.hpp"
#include "core/device_threads.hpp"
#include "core/format.hpp"
#include "data/origin.hpp"
#include "data/splits.hpp"
#include "io/json.hpp"
#include "secgan/core/device.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/kept_memory.hpp"
#include "secgan/core/threads.hpp"
#include "secgan/data/check.hpp"
#include "secgan/data/with_unlabeled.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/io/settings.hpp"
#include "secgan/nn/program.hpp"
#include "training/held_out.hpp"

namespace secgan {
namespace {

// Of a run's settings, by path: what may be another when it is resumed. All others decide what its checkpoint means.
constexpr std::array kChangeable{"task.losses",
                                 "task.classifier_augment",
                                 "task.augment",
                                 "task.reconstruction_ramp",
                                 "task.generator_adam",
                                 "task.discriminator_adam",
                                 "task.average_decay",
                                 "task.training.adam",
                                 "task.training.bfloat16",
                                 "trainer.steps",
                                 "trainer.decay_start",
                                 "trainer.final_rate",
                                 "trainer.on_nan",
                                 "trainer.rollbacks"};
// Places and habits. Attributes, photos and the parser's weights are compared as such (TrainingTask::identity).
constexpr std::array kOfNoConsequence{"data.root",
                                      "data.cache",
                                      "data.attributes",
                                      "data.count",
                                      "unlabeled",
                                      "parser",
                                      "parser_program.file",
                                      "classifier",
                                      "trainer.log_every",
                                      "trainer.sample_every",
                                      "trainer.checkpoint_every",
                                      "trainer.process_timeout",
                                      "task.loader.ahead",
                                      "task.training.loader.ahead",
                                      "device",
                                      "threads"};

std::ostream& status_of(const RunControl& control) { return control.status != nullptr ? *control.status : std::cerr; }

/// The split to train on; the leading process tells what opening it found out.
std::shared_ptr<const Dataset> open_data(const DataSettings& settings, bool with_attributes, bool with_masks, const RunControl& control,
                                         const ProcessGroup& processes) {
  auto data = open_dataset(settings, Split::kTrain, with_attributes, with_masks);
  if (!processes.leads()) return data;
  for (const DataNote& note : data->notes()) status_of(control) << note.line() << '\n';
  return data;
}

/// The labeled photos of the source's other splits, where it has files and such.
std::vector<std::shared_ptr<const Dataset>> held_out_photos(DataSettings settings) {
  if (settings.source.kind == DataKind::kSynthetic || settings.source.whole_folder) return {};
  settings.count = 0;
  settings.cache = false;
  std::vector<std::shared_ptr<const Dataset>> out;
  for (const Split split : {Split::kValidation, Split::kTest}) {
    try {
      out.push_back(open_dataset(settings, split, /*with_attributes=*/true, /*with_masks=*/false));
    } catch (const EmptySplit&) {  // it has none
    }
  }
  return out;
}

/// The data set with the photos of the settings' folder of unlabeled ones, cropped alike; the same where there is none.
std::shared_ptr<const Dataset> with_unlabeled(std::shared_ptr<const Dataset> data, const TrainSettings& settings, const RunControl& control,
                                              const ProcessGroup& processes) {
  if (settings.unlabeled.empty()) return data;
  DataSettings more = settings.data;
  more.source = {.kind = DataKind::kFolder, .root = settings.unlabeled, .whole_folder = true};
  more.attributes = {};
  more.count = 0;
  more.crop = origin_of(settings.data, *data).crop;
  const auto photos = open_data(more, /*with_attributes=*/false, /*with_masks=*/false, control, processes);
  auto both = std::make_shared<WithUnlabeled>(data, photos, held_out_photos(settings.data));
  if (processes.leads())
    status_of(control) << fmt::format("{} with labels, {} more without\n", counted(data->size(), "photo"),
                                      counted(both->unlabeled(), "photo"));
  return both;
}

/// Measures on faces of the same source that are not trained on, where it has such; else that is told.
template <class Task>
void watch_held_out(Task& task, DataSettings settings, int64_t photos, bool with_attributes, bool with_masks, std::ostream& status) {
  if (settings.source.whole_folder) {
    status << "note: nothing is measured on photos that are not trained on: whole_folder trains on all\n";
    return;
  }
  settings.count = photos;
  settings.cache = false;
  try {
    task.watch(*open_dataset(settings, Split::kValidation, with_attributes, with_masks));
  } catch (const Error& error) {
    status << fmt::format("note: nothing is measured on photos that are not trained on: {}\n", error.what());
  }
}

template <class Settings>
RunSettings run_settings(const Settings& settings) {
  RunSettings out{.file = settings_text(settings)};
  const nlohmann::ordered_json all = detail::to_json(settings).flatten();
  for (const auto& [pointer, value] : all.items()) {
    std::string path = pointer.substr(1);
    std::ranges::replace(path, '/', '.');
    const auto within = [&](const std::string& name) { return path == name || path.starts_with(name + "."); };
    if (std::ranges::any_of(kOfNoConsequence, within)) continue;
    (std::ranges::any_of(kChangeable, within) ? out.changeable : out.fixed).emplace_back(path, value.dump());
  }
  return out;
}

LoaderOptions& loader_of(TrainSettings& settings) { return settings.task.loader; }
LoaderOptions& loader_of(TrainParserSettings& settings) { return settings.task.training.loader; }
LoaderOptions& loader_of(TrainClassifierSettings& settings) { return settings.task.training.loader; }

/// One run: opened before the data are read, so that a refusal comes at once.
/// @param make  (settings, processes, device) -> the task; fills in what the data say
template <class Settings, class MakeTask>
TrainingOutcome run(Settings settings, const RunControl& control, const MakeTask& make) {
  const ProcessGroup processes = control.processes ? *control.processes : ProcessGroup::join(settings.trainer.process_timeout);
  // The whole job's batch, so that the run goes on with any number of processes.
  loader_of(settings) = loader_of(settings).of_job(processes.size());
  validate(settings);
  const Device device = find_device(settings.device);
  settings.data.crop = settings.data.resolved_crop();
  std::ostream silence(nullptr);
  std::ostream& status = processes.leads() ? status_of(control) : silence;
  std::optional<RunFolder> folder;
  if (processes.leads()) folder.emplace(control.run, control.resume);
  const std::optional<Checkpoint> from = folder && control.resume ? folder->load(status) : std::nullopt;
  // The number of threads decides the last bits: a run goes on with the one that it had, where this machine has them.
  const bool asked = settings.threads != 0 && !(from && from->threads_measured && settings.threads == from->threads);
  const int64_t first = !asked && from && from->threads <= std::thread::hardware_concurrency() ? from->threads : 0;
  const bool measured = !asked && (!from || first == 0 || from->threads_measured);
  const int64_t fixed = threads_for(device, asked ? settings.threads : measured ? 0 : first);
  std::string choice;  // told once the run is under way: a refused start is one line
  if (!device.is_cpu()) choice = fmt::format("training on {}\n", device.str());
  MeasuredThreads threads(fixed, ThreadChanges::kReluctantly, first);
  if (const std::string line = threads.next(); !line.empty()) choice += line + "\n";
  settings.threads = threads.count();
  const KeptMemory kept;
  const std::unique_ptr<TrainingTask> task = make(settings, processes, device);
  status << choice;
  Trainer trainer(settings.trainer, control.run, status, run_settings(settings), processes);
  return trainer.run(*task, folder ? &*folder : nullptr, from, control.stop, &threads);
}

/// What a bundle says of the photos that it is trained on.
void describe_photos(const DataSettings& settings, const Dataset& data, BundleInfo& info) {
  const PhotoOrigin origin = origin_of(settings, data);
  info.crop = origin.crop;
  info.trained_on = origin.title;
  info.photo_size = origin.photo_size;
  if (!origin.terms.empty()) info.license = origin.terms;
}

BundleInfo described_photos(const DataSettings& settings, const Dataset& data) {
  BundleInfo info;
  describe_photos(settings, data, info);
  return info;
}

/// An attribute that all photos show, or none does, cannot be learned; a list with a column of one value is easily made. Drawn faces have
/// all kinds.
void tell_of_constant_attributes(const DataSettings& settings, const Dataset& data, std::ostream& status) {
  if (settings.source.kind == DataKind::kSynthetic) return;
  const AttributeCounts counts = count_attributes(data);
  for (size_t a = 0; a < counts.shown.size(); ++a) {
    if (counts.shown[a] > 0 && counts.shown[a] < counts.photos) continue;
    status << fmt::format("warning: {}: {} of {} {} it: nothing of it can be learned\n", settings.attributes[a],
                          counts.shown[a] > 0 ? "all" : "none", counted(counts.photos, "photo"), counts.shown[a] > 0 ? "show" : "shows");
  }
}

/// The parts of a run's bundle that are there before it.
Bundle base_of(const TrainSettings& settings, const CustomParts& custom, const Device& device) {
  Bundle base;
  const ParserProgram& program = settings.parser_program;
  const int parsers =
      static_cast<int>(!settings.parser.empty()) + static_cast<int>(!program.file.empty()) + static_cast<int>(custom.parser.has_value());
  if (parsers == 0 && settings.task.mask_branch) {
    throw InvalidArgument(
        "parser is missing: name a bundle of train-parser, or train without a mask branch (--no-mask-branch, task.mask_branch = false)");
  }
  if (parsers > 1) throw InvalidArgument("parser: a bundle, a program or a custom one, not several");
  if (!settings.parser.empty()) {
    base = load_bundle_with(BundlePart::kParser, settings.parser, "parser");
    require_parser_fits(base, settings.data.image_size, settings.parser);
    base.generator = base.mask_generator = Generator(nullptr);
  } else if (parsers == 1) {
    base.parser = custom.parser ? *custom.parser : FaceParser(load_torchscript(program.file, device), program.input);
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
  return run(given, control, [&](TrainSettings& settings, const ProcessGroup& processes, const Device& device) {
    Bundle base = base_of(settings, custom, device);
    const auto data = open_data(settings.data, /*with_attributes=*/true, /*with_masks=*/false, control, processes);
    settings.data.attributes = data->attributes().names();
    if (!base.classifier.is_empty() && base.info.attributes != settings.data.attributes) {
      if (!settings.classifier.empty()) {
        throw InvalidArgument(fmt::format("classifier: its attributes are {}, the run's are {}", fmt::join(base.info.attributes, ", "),
                                          fmt::join(settings.data.attributes, ", ")));
      }
      base.classifier = AttributeClassifier(nullptr);  // of the parser's bundle: nobody asked for it
    }
    describe_photos(settings.data, *data, base.info);
    if (processes.leads()) tell_of_constant_attributes(settings.data, *data, status_of(control));
    const auto photos = with_unlabeled(data, settings, control, processes);
    auto task = std::make_unique<SecganTask>(photos, settings.task, std::move(base), custom.networks, processes, device);
    if (const int64_t ramp = settings.task.reconstruction_ramp, steps = settings.trainer.steps; processes.leads() && ramp > steps) {
      status_of(control) << fmt::format(
          "note: task.reconstruction_ramp {} is longer than the run's {}: λ_rec ends at {:.2g} of its value\n", ramp,
          counted(steps, "step"), settings.task.reconstruction_factor(steps - 1));
    }
    if (processes.leads()) {
      watch_held_out(*task, settings.data, HeldOut::kPhotos, /*with_attributes=*/true, /*with_masks=*/false, status_of(control));
    }
    return task;
  });
}

TrainingOutcome train(const TrainParserSettings& given, const RunControl& control) {
  return run(given, control, [&](const TrainParserSettings& settings, const ProcessGroup& processes, const Device& device) {
    const auto data = open_data(settings.data, /*with_attributes=*/false, /*with_masks=*/true, control, processes);
    auto task = std::make_unique<ParserTask>(data, settings.task, described_photos(settings.data, *data), processes, device);
    if (processes.leads()) {
      watch_held_out(*task, settings.data, ParserTask::kWatched, /*with_attributes=*/false, /*with_masks=*/true, status_of(control));
    }
    return task;
  });
}

TrainingOutcome train(const TrainClassifierSettings& given, const RunControl& control) {
  return run(given, control, [&](TrainClassifierSettings& settings, const ProcessGroup& processes, const Device& device) {
    const auto data = open_data(settings.data, /*with_attributes=*/true, /*with_masks=*/false, control, processes);
    settings.data.attributes = data->attributes().names();
    if (processes.leads()) tell_of_constant_attributes(settings.data, *data, status_of(control));
    auto task = std::make_unique<ClassifierTask>(data, settings.task, described_photos(settings.data, *data), processes, device);
    if (processes.leads()) {
      watch_held_out(*task, settings.data, ClassifierTask::kWatched, /*with_attributes=*/true, /*with_masks=*/false, status_of(control));
    }
    return task;
  });
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
  // With two, or without a lead, the generator outruns the critic in some runs, which stall or start late (docs/options.md).
  recipe.discriminator_updates = 3;
  recipe.discriminator_lead = 150;
  recipe.average_decay = 0.995;
  recipe.loader.batch = 16;
  return recipe;
}

SecganTaskOptions small_photo_recipe(bool with_classifier, std::string_view backbone, std::string_view mask_backbone) {
  SecganTaskOptions recipe = small_scale_recipe(backbone, mask_backbone);
  // Twice as wide as for drawn faces: edits convince more, and the photo stays sharper (docs/options.md).
  recipe.photo_discriminator = DiscriminatorOptions::small(backbone, 32);
  recipe.discriminator_updates = 5;
  recipe.discriminator_lead = 0;  // five keep the critic ahead from the first step on
  recipe.discriminator_adam.learning_rate = 5e-4;
  recipe.generator_adam.learning_rate = 3e-4;
  recipe.augment.brightness = recipe.augment.contrast = 0.2;
  recipe.losses.photo.reconstruction = 40;
  // With 10, hair colors that masks do not tell apart are held to the mask branch's hair (docs/results).
  recipe.losses.photo.semantic_consistency = recipe.losses.mask.semantic_consistency = 0.3;
  if (with_classifier) {
    recipe.losses.photo.generator_classifier = 5;
    recipe.losses.kept_attributes = KeptAttributes::kSeen;
    recipe.classifier_augment = {.shift = 0.1, .flip = 0.5, .brightness = 0.2, .contrast = 0.2};
  }
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

TrainClassifierSettings small_photo_classifier(const DataSettings& data, int64_t steps, uint64_t seed) {
  TrainClassifierSettings settings = small_scale_classifier(data, steps, seed);
  settings.task.training.augment = small_photo_recipe(/*with_classifier=*/true).classifier_augment;
  settings.task.classifier.members = 4;
  return settings;
}

}  // namespace secgan
