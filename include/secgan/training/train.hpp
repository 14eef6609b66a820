#pragma once
/// Whole training runs from settings: what `secgan train`, `train-parser` and `train-classifier` call.

#include <atomic>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>

#include "secgan/data/source.hpp"
#include "secgan/training/secgan_task.hpp"
#include "secgan/training/supervised_task.hpp"
#include "secgan/training/trainer.hpp"

namespace secgan {

/// A parser that comes as a TorchScript program, in place of a bundle's.
struct ParserProgram {
  std::string file;                      ///< empty: none. It is a program: name none that you do not trust
  Labels labels = Labels::kFaceParsing;  ///< the order of its classes
  PhotoNormalization normalization = PhotoNormalization::kImagenet;
  int64_t input_size = 0;  ///< side to which photos are resized for it; 0: as they come

  static void visit(auto& self, auto&& visit) {
    visit("file", self.file);
    visit("labels", self.labels);
    visit("normalization", self.normalization);
    visit("input_size", self.input_size);
  }
};

/// `secgan train`. The defaults are AttGAN's published recipe (networks, learning rates, weights).
struct TrainSettings {
  DataSettings data;
  std::string parser;  ///< bundle whose parser sees the photos; needed with a mask branch
  ParserProgram parser_program;
  std::string classifier;  ///< bundle whose classifier goes into the result; empty: the parser's bundle, if it has one
  SecganTaskOptions task;
  TrainerOptions trainer;
  int64_t threads = 0;  ///< CPU threads; 0: as many as there are cores

  static void visit(auto& self, auto&& visit) {
    visit("data", self.data);
    visit("parser", self.parser);
    visit("parser_program", self.parser_program);
    visit("classifier", self.classifier);
    visit("task", self.task);
    visit("trainer", self.trainer);
    visit("threads", self.threads);
  }
};

/// `secgan train-parser`.
struct TrainParserSettings {
  DataSettings data{.kind = DataKind::kCelebAMaskHq};
  ParserTaskOptions task;
  TrainerOptions trainer{.steps = 20000};
  int64_t threads = 0;

  static void visit(auto& self, auto&& visit) {
    visit("data", self.data);
    visit("task", self.task);
    visit("trainer", self.trainer);
    visit("threads", self.threads);
  }
};

/// `secgan train-classifier`.
struct TrainClassifierSettings {
  DataSettings data;
  ClassifierTaskOptions task;
  TrainerOptions trainer{.steps = 20000};
  int64_t threads = 0;

  static void visit(auto& self, auto&& visit) {
    visit("data", self.data);
    visit("task", self.task);
    visit("trainer", self.trainer);
    visit("threads", self.threads);
  }
};

/// How a run talks and how it is stopped.
struct RunControl {
  std::filesystem::path run;  ///< the run folder
  bool resume = false;
  std::ostream* status = nullptr;           ///< progress and warnings; null: std::cerr
  const std::atomic<bool>* stop = nullptr;  ///< set it to stop after the step, with a checkpoint
};

/// What a run uses in place of the parts that its settings name.
struct OwnParts {
  NetworkMakers networks;
  std::optional<FaceParser> parser;
};

/// Train, then write RUN/bundle and RUN/settings.toml.
/// @throws InvalidArgument for settings that break a rule, Error for files and for a run that fails.
TrainingOutcome train(const TrainSettings& settings, const RunControl& control, const OwnParts& own = {});
TrainingOutcome train(const TrainParserSettings& settings, const RunControl& control);
TrainingOutcome train(const TrainClassifierSettings& settings, const RunControl& control);

/// Starts the run, or goes on with what its folder holds.
template <class Settings>
TrainingOutcome train_or_resume(const Settings& settings, RunControl control) {
  control.resume = std::filesystem::exists(control.run / "checkpoint.safetensors");
  return train(settings, control);
}

/// The recipe for faces of 64 px on a CPU in minutes: small networks, no norm in the discriminators, two of their
/// updates per generator update, both at 1e-3, lambda_sc 10, bfloat16. docs/options.md has the measurements.
SecganTaskOptions small_scale_recipe();
/// Parser and classifier for the same, in a minute each.
TrainParserSettings small_scale_parser(const DataSettings& data, int64_t steps, uint64_t seed);
TrainClassifierSettings small_scale_classifier(const DataSettings& data, int64_t steps, uint64_t seed);

}  // namespace secgan
