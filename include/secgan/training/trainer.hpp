#pragma once
/// The order of steps of every training run: steps, schedule, log, samples, checkpoints, resume. What a step does is
/// the task's business.

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "secgan/nn/state.hpp"

namespace secgan {

/// Figures of one step by name, as "photo/generator/reconstruction".
using Scalars = std::vector<std::pair<std::string, double>>;

/// Something that can be trained. Everything that a step draws at random must follow from the seed and the step.
class TrainingTask {
 public:
  virtual ~TrainingTask() = default;
  /// One word for the progress bar.
  virtual std::string name() const = 0;
  /// Photos read per step, for the images/s.
  virtual int64_t photos_per_step() const = 0;
  /// @param step from 0   @param rate factor of the schedule, to be multiplied with every learning rate
  virtual Scalars step(int64_t step, double rate) = 0;
  /// Every tensor that decides how training goes on; sharing storage, so that loading is writing into them.
  virtual NamedTensors state() = 0;
  /// A sample picture [3, H, W] uint8, or an undefined tensor.
  virtual at::Tensor samples() = 0;
  /// What the figures since the last call say is going wrong, a sentence each; empty when all is well.
  virtual std::vector<std::string> warnings(int64_t step) = 0;
  /// Writes what the run is for (a bundle) into the run folder, from the present weights.
  virtual void save_result(const std::filesystem::path& run) = 0;
};

struct TrainerOptions {
  int64_t steps = 100000;           ///< length of the run; the schedule is relative to it
  int64_t log_every = 50;           ///< steps between log lines (figures are means over them)
  int64_t sample_every = 1000;      ///< steps between sample pictures; 0: none
  int64_t checkpoint_every = 1000;  ///< steps between checkpoints; 0: at the end and when stopped only
  double decay_start = 0.5;         ///< share of the run with the full learning rate; then it falls linearly
  double final_rate = 0.05;         ///< factor of the learning rate at the end

  static void visit(auto& self, auto&& visit) {
    visit("steps", self.steps);
    visit("log_every", self.log_every);
    visit("sample_every", self.sample_every);
    visit("checkpoint_every", self.checkpoint_every);
    visit("decay_start", self.decay_start);
    visit("final_rate", self.final_rate);
  }
  /// @throws InvalidArgument naming the option, the rule and the value.
  void validate() const;
};

/// Factor of the learning rate at a step.
double learning_rate_factor(const TrainerOptions& options, int64_t step);

struct TrainingOutcome {
  int64_t steps = 0;      ///< steps done, counted from the beginning of the run
  bool finished = false;  ///< false: stopped on request, with a checkpoint to resume from
  double seconds = 0;     ///< of this call
};

/// A run folder holds log.jsonl and TensorBoard events, samples/, checkpoint.safetensors and the task's result.
class Trainer {
 public:
  /// @param run     the folder; made if missing
  /// @param status  where progress and warnings go
  /// @param settings  text for settings.toml, written once the run is under way; empty: none
  Trainer(TrainerOptions options, std::filesystem::path run, std::ostream& status, std::string settings = {});

  /// Trains to the end or until `stop` is set, then writes checkpoint and result.
  /// @param resume   go on from the run's checkpoint; without it the folder must hold none
  /// @throws Error when resuming without a checkpoint or with one that does not fit, when starting over a checkpoint,
  ///         or when a figure is not finite (it is named; the last checkpoint stays).
  TrainingOutcome run(TrainingTask& task, bool resume, const std::atomic<bool>* stop = nullptr);

 private:
  std::filesystem::path checkpoint_file() const { return run_ / "checkpoint.safetensors"; }
  void save_checkpoint(TrainingTask& task, int64_t step) const;
  int64_t load_checkpoint(TrainingTask& task) const;

  TrainerOptions options_;
  std::filesystem::path run_;
  std::ostream& status_;
  std::string settings_;
};

}  // namespace secgan
