#pragma once
/// Whole training runs from settings: what `secgan train`, `train-parser` and `train-classifier` call.

#include <atomic>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "secgan/core/device.hpp"
#include "secgan/core/export.hpp"
#include "secgan/core/threads.hpp"
#include "secgan/data/source.hpp"
#include "secgan/training/secgan_task.hpp"
#include "secgan/training/supervised_task.hpp"
#include "secgan/training/trainer.hpp"

namespace secgan {

/// A parser that comes as a TorchScript program, in place of a bundle's.
struct ParserProgram {
  std::string file;
  FaceParserOptions input;

  static constexpr auto fields() {
    using O = ParserProgram;
    return std::tuple_cat(std::tuple{field<&O::file>("empty: none. It is a program: name none that you do not trust")},
                          inlined<&O::input>());
  }
};

/// `secgan train`. The defaults are AttGAN's published recipe (networks, learning rates, weights).
struct TrainSettings {
  DataSettings data;
  std::string unlabeled;
  std::string parser;
  ParserProgram parser_program;
  std::string classifier;
  SecganTaskOptions task;
  TrainerOptions trainer;
  std::string device = "auto";
  int64_t threads = 0;

  static constexpr auto fields() {
    using O = TrainSettings;
    return std::tuple{
        field<&O::data>("the faces to train on"),
        field<&O::unlabeled>("folder of more photos, whose labels are not known: attribute terms leave them out, their edit is their "
                             "reconstruction; empty: none"),
        field<&O::parser>("bundle of train-parser or import, whose parser sees the photos; needed with a mask branch"),
        field<&O::parser_program>("a parser as a TorchScript program, in place of a bundle's"),
        field<&O::classifier>("bundle of train-classifier, whose classifier goes into the result, for editing without given labels; empty: "
                              "the parser's bundle, if it has one"),
        field<&O::task>("networks, losses, optimizers"),
        field<&O::trainer>("length, log, checkpoints"),
        field<&O::device>(kDeviceHelp),
        field<&O::threads>("CPU threads; 0: OMP_NUM_THREADS, or as many as are measured to be fastest", rule::kThreads),
    };
  }
};

/// `secgan train-parser`.
struct TrainParserSettings {
  DataSettings data{.source = {.kind = DataKind::kCelebAMaskHq}};
  ParserTaskOptions task;
  TrainerOptions trainer{.steps = 20000};
  std::string device = "auto";
  int64_t threads = 0;

  static constexpr auto fields() {
    using O = TrainParserSettings;
    return std::tuple{
        field<&O::data>("the photos and masks to train on"),
        field<&O::task>("network, optimizer"),
        field<&O::trainer>("length, log, checkpoints"),
        field<&O::device>(kDeviceHelp),
        field<&O::threads>("CPU threads; 0: OMP_NUM_THREADS, or as many as are measured to be fastest", rule::kThreads),
    };
  }
};

/// `secgan train-classifier`.
struct TrainClassifierSettings {
  DataSettings data;
  ClassifierTaskOptions task;
  TrainerOptions trainer{.steps = 20000};
  std::string device = "auto";
  int64_t threads = 0;

  static constexpr auto fields() {
    using O = TrainClassifierSettings;
    return std::tuple{
        field<&O::data>("the faces to train on"),
        field<&O::task>("network, optimizer"),
        field<&O::trainer>("length, log, checkpoints"),
        field<&O::device>(kDeviceHelp),
        field<&O::threads>("CPU threads; 0: OMP_NUM_THREADS, or as many as are measured to be fastest", rule::kThreads),
    };
  }
};

/// How a run talks and how it is stopped.
struct RunControl {
  std::filesystem::path run;  ///< the run folder
  bool resume = false;
  std::ostream* status = nullptr;           ///< progress and warnings; null: std::cerr
  const std::atomic<bool>* stop = nullptr;  ///< set it to stop after the step, with a checkpoint
  std::optional<ProcessGroup> processes;    ///< that train the run together; none: ProcessGroup::join
};

/// What a run uses in place of the parts that its settings name.
struct CustomParts {
  CustomNetworks networks = {};
  std::optional<FaceParser> parser = {};
};

/// Train, then write RUN/bundle and RUN/settings.toml. Neither the process's random state nor its number of threads is another afterwards.
/// @throws InvalidArgument for settings that break a rule, Error for files and for a run that fails.
SECGAN_API TrainingOutcome train(const TrainSettings& settings, const RunControl& control, const CustomParts& custom = {});
SECGAN_API TrainingOutcome train(const TrainParserSettings& settings, const RunControl& control);
SECGAN_API TrainingOutcome train(const TrainClassifierSettings& settings, const RunControl& control);

/// Starts the run, or goes on with what its folder holds.
template <class Settings>
TrainingOutcome train_or_resume(const Settings& settings, RunControl control) {
  control.resume = has_checkpoint(control.run);
  return train(settings, control);
}

/// The recipe for drawn faces of 64 px on a CPU in minutes: small networks, no norm in the discriminators, three of their
/// updates per generator update, both at 1e-3, lambda_sc 10, bfloat16. docs/options.md has the measurements.
/// @param backbone, mask_backbone  of backbone_names(); empty: the photo branch's
SECGAN_API SecganTaskOptions small_scale_recipe(std::string_view backbone = "attgan", std::string_view mask_backbone = {});
/// The same for photos of people, whose critic needs more updates and slower ones, and loses its attributes when photos are shifted.
/// STGAN's networks keep more of a photo at the same TARR, in less time (decision 0054).
/// @param with_classifier  the generator learns from a frozen classifier's judgment, too: the run has to have one, and another judge
SECGAN_API SecganTaskOptions small_photo_recipe(bool with_classifier, std::string_view backbone = "stgan",
                                                std::string_view mask_backbone = {});
/// Parser and classifier for the same, in a minute each.
SECGAN_API TrainParserSettings small_scale_parser(const DataSettings& data, int64_t steps, uint64_t seed);
SECGAN_API TrainClassifierSettings small_scale_classifier(const DataSettings& data, int64_t steps, uint64_t seed);
/// A classifier of photos to teach small_photo_recipe's generator: four networks that answer together and have learned from photos shifted
/// and lit as that recipe shows them edits, and so judge those by what another classifier sees, too. docs/options.md has the measurements.
SECGAN_API TrainClassifierSettings small_photo_classifier(const DataSettings& data = {}, int64_t steps = 2000, uint64_t seed = 1);

}  // namespace secgan
