#include <iostream>

#include "cli/commands.hpp"
#include "cli/settings.hpp"
#include "core/format.hpp"
#include "secgan/models/presets.hpp"
#include "secgan/training/train.hpp"

namespace secgan::cli {
namespace {

struct Run {
  std::string out;
  bool resume = false;
};

/// Flags that every training has; settings.toml of a run is read when it is resumed without --config.
std::shared_ptr<Run> add_common(CLI::App& command, SettingsFlags& flags) {
  flags.value("--data", {"data.kind"}, "NAME", "celeba, celebamask-hq or synthetic");
  flags.text("--root", "data.root", "DIR", "the data set's folder");
  flags.value("--image-size", {"data.image_size"}, "N", "side in pixels, a multiple of 32");
  flags.text("--crop", "data.crop", "CROP", "none, center, center:N or box:x,y,w,h");
  flags.value("--count", {"data.count"}, "N", "use the first N samples only");
  flags.value("--mask-labels", {"data.mask_labels"}, "NAME", "celebamask-hq: class order of index PNGs, celebamask-hq or face-parsing");
  flags.flag("--split-by-id", "data.split_by_mapping", false, "celebamask-hq: 80/10/10 % by id, where the mapping file is missing");
  flags.value("--steps", {"trainer.steps"}, "N", "length of the run");
  flags.value("--log-every", {"trainer.log_every"}, "N", "steps between log lines");
  flags.value("--sample-every", {"trainer.sample_every"}, "N", "steps between sample pictures; 0: none");
  flags.value("--checkpoint-every", {"trainer.checkpoint_every"}, "N", "steps between checkpoints");
  flags.value("--threads", {"threads"}, "N", "CPU threads; 0: one per core");
  auto run = std::make_shared<Run>();
  command.add_option("--out", run->out, "the run's folder")->required()->type_name("RUN");
  command.add_flag("--resume", run->resume, "go on from the run's checkpoint");
  return run;
}

/// What a name of `--backbone` changes in a network's settings: the backbone, and the options that make it another
/// published version of that backbone. The rest stays with the recipe.
template <class Options>
std::function<nlohmann::json(const std::string&)> network(Options (*preset)(std::string_view)) {
  return [preset](const std::string& name) {
    const Options options = preset(name);
    const nlohmann::json all = to_json(options);
    Options plain;
    plain.backbone = options.backbone;
    const std::string backbone = all["backbone"];
    nlohmann::json changes = {{"backbone", backbone}};
    if (all[backbone] != nlohmann::json(to_json(plain))[backbone]) changes[backbone] = all[backbone];
    return changes;
  };
}

template <class Settings>
void run(const SettingsFlags& flags, Settings defaults, const Run& options) {
  const std::filesystem::path folder = options.out;
  if (options.resume && std::filesystem::exists(folder / "settings.toml")) {
    from_json_strict(defaults, read_toml((folder / "settings.toml").string()), (folder / "settings.toml").string());
  }
  const Settings settings = flags.resolve(std::move(defaults));
  stop_on_signals();
  const TrainingOutcome outcome = train(settings, {folder, options.resume, &std::cerr, &stop_requested});
  if (outcome.finished) {
    fmt::print("{} steps in {:.0f} s; the bundle is {}\n", outcome.steps, outcome.seconds, (folder / "bundle").string());
  } else {
    fmt::print("stopped after step {}; go on with --resume --out {}\n", outcome.steps, options.out);
  }
}

}  // namespace

void add_training(CLI::App& app) {
  {
    CLI::App& command = *app.add_subcommand("train", "train SeCGAN: photo branch and mask branch together");
    auto flags = std::make_shared<SettingsFlags>(command);
    const auto options = add_common(command, *flags);
    flags->list("--attributes", "data.attributes", "the attributes to edit, names of the data set's list");
    flags->value("--batch", {"task.loader.batch"}, "N", "photos per batch");
    flags->value("--seed", {"task.loader.seed"}, "N", "one seed makes the run repeatable");
    const std::string names = fmt::format("{}", fmt::join(preset_names(), ", "));
    flags->expanded("--backbone",
                    {{"task.photo_generator", network<GeneratorOptions>(&generator_preset)},
                     {"task.photo_discriminator", network<DiscriminatorOptions>(&discriminator_preset)}},
                    "NAME", "photo branch's networks: " + names);
    flags->expanded("--mask-backbone",
                    {{"task.mask_generator", network<GeneratorOptions>(&generator_preset)},
                     {"task.mask_discriminator", network<DiscriminatorOptions>(&discriminator_preset)}},
                    "NAME", "mask branch's networks: " + names);
    flags->flag("--no-mask-branch", "task.mask_branch", false, "train the photo branch alone: the baseline");
    flags->text("--parser", "parser", "BUNDLE", "bundle of train-parser or import");
    flags->text("--parser-program", "parser_program.file", "FILE",
                "a parser as TorchScript instead; it runs the file's code. parser_program.labels, .normalization, .input_size by --option");
    flags->text("--classifier", "classifier", "BUNDLE", "bundle of train-classifier, for editing without given labels");
    flags->value("--lambda-sc", {"task.losses.photo.semantic_consistency", "task.losses.mask.semantic_consistency"}, "X",
                 "weight of the semantic consistency");
    auto small = std::make_shared<bool>(false);
    command.add_flag("--small", *small, "start from the recipe for 64 px on a CPU instead of AttGAN's published one");
    command.callback([=] {
      TrainSettings defaults;
      if (*small) defaults.task = small_scale_recipe();
      run(*flags, defaults, *options);
    });
  }
  {
    CLI::App& command = *app.add_subcommand("train-parser", "train the face parser on photos with masks");
    auto flags = std::make_shared<SettingsFlags>(command);
    const auto options = add_common(command, *flags);
    flags->value("--batch", {"task.training.loader.batch"}, "N", "photos per batch");
    flags->value("--seed", {"task.training.loader.seed"}, "N", "one seed makes the run repeatable");
    flags->value("--network", {"task.parser.network"}, "NAME", "the parser's network");
    command.callback([=] { run(*flags, TrainParserSettings{}, *options); });
  }
  {
    CLI::App& command = *app.add_subcommand("train-classifier", "train the attribute classifier");
    auto flags = std::make_shared<SettingsFlags>(command);
    const auto options = add_common(command, *flags);
    flags->list("--attributes", "data.attributes", "the attributes to recognize, names of the data set's list");
    flags->value("--batch", {"task.training.loader.batch"}, "N", "photos per batch");
    flags->value("--seed", {"task.training.loader.seed"}, "N", "one seed makes the run repeatable");
    command.callback([=] { run(*flags, TrainClassifierSettings{}, *options); });
  }
}

}  // namespace secgan::cli
