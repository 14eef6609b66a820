#pragma once
/// The order of steps of every training run: steps, schedule, log, samples, checkpoints, resume. What a step does is
/// the task's business.

#include <ATen/core/Tensor.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/core/named_tensors.hpp"
#include "secgan/core/named_values.hpp"
#include "secgan/core/threads.hpp"
#include "secgan/training/checkpoint.hpp"
#include "secgan/training/process_group.hpp"

namespace secgan {

/// Something that can be trained. Everything that a step draws at random must follow from the seed and the step. In a job of several
/// processes each has one: all call step(), and what only reads the state is called in the leading process.
class SECGAN_API TrainingTask {
 public:
  virtual ~TrainingTask() = default;
  /// One word for the progress bar.
  virtual std::string name() const = 0;
  /// Photos read per step, by all processes, for the images/s.
  virtual int64_t photos_per_step() const = 0;
  /// Values of one step by name, as "photo/generator/reconstruction"; the first is what a progress bar shows.
  /// @param step  from 0, each once and rising; some are left out where a run was rolled back   @param rate factor of the schedule, to be
  /// multiplied with every learning rate
  virtual NamedValues step(int64_t step, double rate) = 0;
  /// Every tensor that decides how training goes on; sharing storage, so that loading is writing into them.
  virtual NamedTensors state() = 0;
  /// Values by name on photos that are not trained on; asked before log lines, and changes nothing of how training goes on.
  virtual NamedValues held_out() { return {}; }
  /// A sample picture [3, H, W] uint8, or an undefined tensor.
  virtual at::Tensor samples() = 0;
  /// What the means of the values since the last call, and those of held_out(), say is going wrong, a sentence each; empty when all is
  /// well.
  virtual std::vector<std::string> warnings(int64_t step, const NamedValues& means) = 0;
  /// What the state belongs to and no other, by name: a checkpoint is refused where one differs.
  virtual NamedTexts identity() const { return {}; }
  /// The same of what held_out() measures on. The leading process of several alone has it.
  virtual NamedTexts held_out_identity() const { return {}; }
  /// Names of the photos that a step reads, for messages.
  virtual std::vector<std::string> photos(int64_t /*step*/) const { return {}; }
  /// Writes what the run is for (a bundle) into the run folder.
  virtual void save_result(const std::filesystem::path& run) = 0;
  /// What is worth knowing of that, in a few words; empty: nothing.
  virtual std::string note_on_result() const { return {}; }
};

/// What happens when a loss, a weight or an optimizer's moment is infinite or not a number. Nothing of it is ever saved.
enum class OnNan {
  kStop,      ///< the run fails; its last checkpoint is good
  kRollback,  ///< back to the last checkpoint, on with other batches
};
inline constexpr std::array<std::pair<std::string_view, OnNan>, 2> kOnNan{{{"stop", OnNan::kStop}, {"rollback", OnNan::kRollback}}};
template <>
struct EnumNames<OnNan> {
  static constexpr auto& table = kOnNan;
  static constexpr std::string_view what = "on_nan";
};

struct TrainerOptions {
  int64_t steps = 100000;
  int64_t log_every = 50;
  int64_t sample_every = 1000;
  int64_t checkpoint_every = 1000;
  double decay_start = 0.5;
  double final_rate = 0.05;
  OnNan on_nan = OnNan::kStop;
  int64_t rollbacks = 3;
  int64_t process_timeout = 600;

  static constexpr auto fields() {
    using O = TrainerOptions;
    return std::tuple{
        field<&O::steps>("length of the run, in generator updates (or updates of the one network); the schedule is relative to it",
                         rule::kPositive),
        field<&O::log_every>("steps between log lines (values are means over them)", rule::kPositive),
        field<&O::sample_every>("steps between sample pictures; 0: none", rule::kNotNegative),
        field<&O::checkpoint_every>("steps between checkpoints; 0: at the end and when stopped only", rule::kNotNegative),
        field<&O::decay_start>("share of the run with the full learning rate; then it falls linearly", rule::kShare),
        field<&O::final_rate>("factor of the learning rate at the end", rule::kShare),
        field<&O::on_nan>(
            "when a value is not finite: end the run, or go back to the last checkpoint and on with the batches after the failed "
            "one"),
        field<&O::rollbacks>("how often a run may go back; then it ends", rule::kNotNegative),
        field<&O::process_timeout>("several processes: seconds to wait for another one before the run ends with an error", rule::kPositive),
    };
  }
};

/// Factor of the learning rate at a step.
SECGAN_API double learning_rate_factor(const TrainerOptions& options, int64_t step);

struct TrainingOutcome {
  int64_t steps = 0;      ///< steps done, counted from the beginning of the run
  bool finished = false;  ///< false: stopped on request, with a checkpoint to resume from
  double seconds = 0;     ///< of this call
  std::string note;       ///< on the result; empty: none
};

/// The settings of a run, for its folder.
struct RunSettings {
  std::string file;       ///< content of settings.toml, written once the run is under way; empty: none
  NamedTexts fixed;       ///< must be the same when the run is resumed
  NamedTexts changeable;  ///< what differs when the run is resumed is told
};

/// A run folder holds log.jsonl and TensorBoard events, samples/, checkpoint.safetensors, the one before it, and the task's result. In a
/// job of several processes the leading one alone reads and writes there: the others get its state, and all log, stop and fail as one.
class SECGAN_API Trainer {
 public:
  /// @param run     the folder; made if missing
  /// @param status  where progress and warnings go
  /// @param processes  which train the run together
  Trainer(TrainerOptions options, std::filesystem::path run, std::ostream& status, RunSettings settings = {}, ProcessGroup processes = {});

  /// Trains to the end or until `stop` is set, then writes checkpoint and result.
  /// @param resume   go on from the run's checkpoint, or from the beginning before the first; without it the folder must hold none
  /// @throws Error when the folder is another process's or holds a run, when no checkpoint is whole or it belongs to other data or
  /// networks,
  ///         or when a value is not finite (it is named; the last checkpoint stays); FileNotFound without the folder of a run to resume.
  TrainingOutcome run(TrainingTask& task, bool resume, const std::atomic<bool>* stop = nullptr);
  /// The same with the run's folder open already, and what was loaded from it.
  /// @param folder  null in processes that do not lead
  /// @param threads  asked before each step; null: the process's number stays
  TrainingOutcome run(TrainingTask& task, RunFolder* folder, const std::optional<Checkpoint>& from, const std::atomic<bool>* stop = nullptr,
                      MeasuredThreads* threads = nullptr);

 private:
  TrainerOptions options_;
  std::filesystem::path run_;
  std::ostream& status_;
  RunSettings settings_;
  ProcessGroup processes_;
};

}  // namespace secgan
