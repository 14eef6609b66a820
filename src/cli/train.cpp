#include <iostream>

#include "cli/commands.hpp"
#include "cli/printing.hpp"
#include "cli/settings.hpp"
#include "core/counted.hpp"
#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/settings.hpp"
#include "secgan/models/options.hpp"
#include "secgan/training/train.hpp"

namespace secgan::cli {
namespace {

struct Run {
  std::string out;
  bool resume = false;
};

/// Flags that every training has; settings.toml of a run is read when it is resumed without --config.
template <class S>
std::shared_ptr<Run> add_common(CLI::App& command, SettingsFlags<S>& flags) {
  add_data_source<&S::data, &DataSettings::source>(flags);
  flags.template bind<&S::data, &DataSettings::image_size>("--image-size", "N");
  flags.template bind<&S::data, &DataSettings::crop>("--crop", "CROP");
  flags.template bind<&S::data, &DataSettings::count>("--count", "N");
  flags.template bind<&S::trainer, &TrainerOptions::steps>("--steps", "N");
  flags.template bind<&S::trainer, &TrainerOptions::log_every>("--log-every", "N");
  flags.template bind<&S::trainer, &TrainerOptions::sample_every>("--sample-every", "N");
  flags.template bind<&S::trainer, &TrainerOptions::checkpoint_every>("--checkpoint-every", "N");
  flags.template bind<&S::trainer, &TrainerOptions::on_nan>("--on-nan", "NAME");
  flags.template bind<&S::trainer, &TrainerOptions::process_timeout>("--process-timeout", "SECONDS");
  flags.template bind<&S::device>("--device", "NAME");
  flags.template bind<&S::threads>("--threads", "N");
  auto run = std::make_shared<Run>();
  command.add_option("--out", run->out, "the run's folder")->required()->type_name("RUN");
  command.add_flag("--resume", run->resume, "go on from the run's checkpoint, with its settings");
  return run;
}

template <auto... Loader, class S>
void add_loader(SettingsFlags<S>& flags) {
  flags.change("--batch", "N", fmt::format("samples per batch, of each process where several train [{}]", LoaderOptions{}.batch),
               [](S& settings, const std::string& text) {
                 LoaderOptions& loader = detail::member_at<Loader...>(settings);
                 detail::set_value(&loader.batch, text, "--batch");
                 loader.per_process = true;
               });
  flags.template bind<Loader..., &LoaderOptions::seed>("--seed", "N");
}

/// One name for a branch's two networks.
template <auto Generator, auto Discriminator>
void add_backbone_flag(SettingsFlags<TrainSettings>& flags, const std::string& flag, const std::string& whose) {
  flags.change(flag, "NAME",
               fmt::format("{} networks: {} [{}]", whose, fmt::join(preset_names(), ", "), (SecganTaskOptions{}.*Generator).backbone()),
               [](TrainSettings& settings, const std::string& name) {
                 (settings.task.*Generator).choose(name);
                 (settings.task.*Discriminator).choose(name);
               });
}

/// The training that wrote the settings; empty for none.
std::string training_of(const std::filesystem::path& settings) {
  const auto reads = [&](auto defaults) {
    try {
      load_settings(settings, std::move(defaults));
      return true;
    } catch (const std::exception&) {
      return false;
    }
  };
  return reads(TrainSettings())             ? "train"
         : reads(TrainParserSettings())     ? "train-parser"
         : reads(TrainClassifierSettings()) ? "train-classifier"
                                            : "";
}

template <class Settings>
Settings settings_of_run(const std::filesystem::path& kept, Settings defaults, const std::string& folder) {
  try {
    return load_settings(kept, std::move(defaults));
  } catch (const InvalidArgument&) {
    const std::string own = training_of(kept);
    if (own.empty()) throw;
    throw InvalidArgument(fmt::format("--out '{}' is a run of 'secgan {}': that command resumes it", folder, own));
  }
}

template <class Settings>
void run(const SettingsFlags<Settings>& flags, Settings defaults, const Run& options) {
  const std::filesystem::path folder = options.out, kept = folder / "settings.toml";
  if (options.resume && !std::filesystem::exists(folder)) throw FileNotFound(fmt::format("nothing to resume: {} is missing", options.out));
  const bool has_settings = options.resume && std::filesystem::exists(kept);
  if (has_settings) defaults = settings_of_run(kept, std::move(defaults), options.out);
  const Settings settings = flags.resolve(std::move(defaults));
  if (options.resume && !has_settings) {
    // Killed before its first step, or no run at all: what is missing is missing there.
    try {
      validate(settings);
    } catch (const InvalidArgument& error) {
      throw InvalidArgument(fmt::format("{} holds no settings.toml to resume with, and {}", options.out, error.what()));
    }
  }
  // Nothing is there to be kept before the others of the job are: a signal ends the waiting at once.
  const ProcessGroup processes = ProcessGroup::join(settings.trainer.process_timeout);
  stop_on_signals();
  const TrainingOutcome outcome = train(settings, {folder, options.resume, &std::cerr, &stop_requested, processes});
  if (!outcome.finished) throw Stopped(fmt::format("stopped after step {}; go on with --resume --out {}", outcome.steps, options.out));
  if (!processes.leads()) return;
  say("{} in {:.0f} s; the bundle is {}{}{}", counted(outcome.steps, "step"), outcome.seconds, printable((folder / "bundle").string()),
      outcome.note.empty() ? "" : "; ", outcome.note);
}

void add_train(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("train", "train SeCGAN: photo branch and mask branch together");
  auto flags = std::make_shared<SettingsFlags<TrainSettings>>(command);
  const auto options = add_common(command, *flags);
  using S = TrainSettings;
  using Task = SecganTaskOptions;
  flags->bind<&S::data, &DataSettings::attributes>("--attributes", "A,B");
  add_loader<&S::task, &Task::loader>(*flags);
  add_backbone_flag<&Task::photo_generator, &Task::photo_discriminator>(*flags, "--backbone", "the photo branch's");
  add_backbone_flag<&Task::mask_generator, &Task::mask_discriminator>(*flags, "--mask-backbone", "the mask branch's");
  flags->bind_switch<&S::task, &Task::mask_branch>("--no-mask-branch", false, "train the photo branch alone: the baseline");
  flags->bind<&S::unlabeled>("--unlabeled", "DIR");
  flags->bind<&S::parser>("--parser", "BUNDLE");
  flags->bind<&S::parser_program, &ParserProgram::file>(
      "--parser-program", "FILE",
      "a parser as TorchScript instead; it runs the file's code. parser_program.labels, .normalization, .input_size by --option");
  flags->require_trust<&S::parser_program, &ParserProgram::file>("--parser-program");
  flags->bind<&S::classifier>("--classifier", "BUNDLE");
  flags->change("--lambda-sc", "X",
                fmt::format("weight of the semantic consistency in both branches [{}]", LossWeights{}.semantic_consistency),
                [](S& settings, const std::string& text) {
                  detail::set_value(&settings.task.losses.photo.semantic_consistency, text, "--lambda-sc");
                  settings.task.losses.mask.semantic_consistency = settings.task.losses.photo.semantic_consistency;
                });
  for (const char* of_masks : {"--mask-backbone", "--lambda-sc"}) command.get_option(of_masks)->excludes("--no-mask-branch");
  auto small = std::make_shared<bool>(false);
  command.add_flag(
      "--small", *small,
      "start from a recipe for 64 px on a CPU instead of AttGAN's published one: one for drawn faces, one for photos, with STGAN's "
      "networks, whose generator learns from --classifier, too");
  command.callback([=] {
    TrainSettings defaults;
    if (*small) {
      const TrainSettings asked = flags->resolve(defaults, "task");
      const bool drawn = asked.data.source.kind == DataKind::kSynthetic;
      defaults.task = drawn ? small_scale_recipe() : small_photo_recipe(!asked.classifier.empty());
    }
    run(*flags, defaults, *options);
  });
}

void add_train_parser(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("train-parser", "train the face parser on photos with masks");
  auto flags = std::make_shared<SettingsFlags<TrainParserSettings>>(command);
  const auto options = add_common(command, *flags);
  using S = TrainParserSettings;
  using Task = ParserTaskOptions;
  add_loader<&S::task, &Task::training, &SupervisedOptions::loader>(*flags);
  flags->bind<&S::task, &Task::parser, &ParserOptions::network>("--network", "NAME");
  command.callback([=] { run(*flags, TrainParserSettings{}, *options); });
}

void add_train_classifier(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("train-classifier", "train the attribute classifier");
  auto flags = std::make_shared<SettingsFlags<TrainClassifierSettings>>(command);
  const auto options = add_common(command, *flags);
  using S = TrainClassifierSettings;
  using Task = ClassifierTaskOptions;
  flags->bind<&S::data, &DataSettings::attributes>("--attributes", "A,B");
  add_loader<&S::task, &Task::training, &SupervisedOptions::loader>(*flags);
  auto small = std::make_shared<bool>(false);
  command.add_flag("--small", *small,
                   "start from a recipe for some thousand photos of 64 px on a CPU, in 2000 steps: a classifier to teach train --small, of "
                   "four networks that have learned from photos shifted and lit as they will be shown edits");
  command.callback([=] { run(*flags, *small ? small_photo_classifier() : TrainClassifierSettings{}, *options); });
}

}  // namespace

void add_training(CLI::App& app) {
  add_train(app);
  add_train_parser(app);
  add_train_classifier(app);
}

}  // namespace secgan::cli
