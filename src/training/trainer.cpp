#include "secgan/training/trainer.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <map>
#include <optional>
#include <ostream>
#include <utility>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "core/message_kind.hpp"
#include "core/some_of.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/settings.hpp"
#include "secgan/nn/state.hpp"
#include "secgan/report/progress.hpp"
#include "secgan/training/recorder.hpp"

namespace secgan {
namespace {

/// Why no further step can use the state; empty: it can.
std::string unusable(const NamedTensors& state) {
  if (const std::string tensor = first_not_finite(state); !tensor.empty())
    return fmt::format("tensor '{}' holds a value that is not finite", tensor);
  // Finite, and its square is not: a step too far, which would take the place of the last good checkpoint.
  constexpr double kMost = 1.8e19;
  for (const auto& [name, tensor] : state) {
    if (tensor.scalar_type() != at::kFloat || tensor.numel() == 0) continue;
    if (const auto largest = tensor.detach().abs().max().item<double>(); largest > kMost)
      return fmt::format("tensor '{}' has exploded: it holds {:.3g}", name, largest);
  }
  return {};
}

/// Means of the values since the last log line.
class Means {
 public:
  Means() = default;
  explicit Means(std::vector<RunningMean> means) : means_(std::move(means)) {}

  void add(const NamedValues& values) {
    for (const auto& [name, value] : values) {
      const auto found = std::ranges::find(means_, name, &RunningMean::name);
      RunningMean& mean = found != means_.end() ? *found : means_.emplace_back(RunningMean{name, 0, 0});
      mean.sum += value;
      mean.count += 1;
    }
  }
  NamedValues values() const {
    NamedValues out;
    for (const RunningMean& mean : means_) out.emplace_back(mean.name, mean.sum / static_cast<double>(mean.count));
    return out;
  }
  const std::vector<RunningMean>& sums() const { return means_; }

 private:
  std::vector<RunningMean> means_;
};

/// Puts the processes' means into the values of a step; so what one finds wrong, all do.
/// @return whether one of them asks to stop
bool merged(NamedValues& values, bool stop, const ProcessGroup& processes) {
  if (processes.size() == 1) return stop;
  std::vector<double> numbers{stop ? 1.0 : 0.0};
  for (const auto& [name, value] : values) numbers.push_back(value);
  const at::Tensor all = at::tensor(numbers, at::kDouble);
  processes.average({all});
  for (size_t i = 0; i < values.size(); ++i) values[i].second = all[static_cast<int64_t>(i) + 1].item<double>();
  return all[0].item<double>() > 0;
}

bool due(int64_t done, int64_t every) { return every > 0 && done % every == 0; }

std::string text_of(const NamedTexts& texts, const std::string& name) {
  const auto found = std::ranges::find(texts, name, [](const auto& entry) { return entry.first; });
  return found == texts.end() ? std::string() : found->second;
}

/// Calls differs(name, then, now) for what both say and say differently: what a version did not know yet cannot have changed.
template <class Differs>
void compare(const NamedTexts& then, const NamedTexts& now, const Differs& differs) {
  for (const auto& [name, text] : then) {
    const std::string other = text_of(now, name);
    if (!other.empty() && other != text) differs(name, text, other);
  }
}

/// One call of Trainer::run. Every process of a job decides the same, from the same state and values; the leading one alone has the folder.
class TrainingRun {
 public:
  TrainingRun(TrainingTask& task, const TrainerOptions& options, RunFolder* folder, std::ostream& status, const RunSettings& settings,
              const ProcessGroup& processes, const std::optional<Checkpoint>& from, const std::atomic<bool>* stop, MeasuredThreads* threads)
      : task_(task),
        options_(options),
        folder_(folder),
        status_(status),
        settings_(settings),
        processes_(processes),
        stop_(stop),
        threads_(threads),
        identity_(task.identity()) {
    identity_.insert(identity_.end(), settings.fixed.begin(), settings.fixed.end());
    if (processes_.size() > 1) require_alike();
    const NamedTexts held_out = task.held_out_identity();
    identity_.insert(identity_.end(), held_out.begin(), held_out.end());
    if (folder_ != nullptr) begin(from);
    share();
    progress_.emplace(task_.name(), step_, options_.steps, status_);
  }

  int64_t train() {
    if (options_.on_nan == OnNan::kRollback && saved_ < 0) save();  // a place to go back to
    while (!ended() || saved_ != step_) {
      if (!ended()) {
        advance();
      } else if (healthy()) {
        save();
      }
    }
    progress_->finish();
    if (unwritten_) std::rethrow_exception(unwritten_);
    if (folder_ != nullptr) task_.save_result(folder_->path());
    processes_.barrier();
    return step_;
  }

 private:
  /// What the leading process does before the first step.
  void begin(const std::optional<Checkpoint>& from) {
    const std::filesystem::path& path = folder_->path();
    if (!folder_->locked()) status_ << fmt::format("{} cannot be locked there: let no other process train in it\n", path.string());
    if (from) {
      require_own(*from);
      restore(*from);
    }
    // Not before the run is known to fit: a refused start must leave the settings of the run that is there.
    if (!settings_.file.empty()) write_file(path / "settings.toml", settings_.file);
    recorder_.emplace(path, step_);
  }

  void require_alike() const {
    std::string description = fmt::format("{} {}\n{}", task_.name(), task_.photos_per_step(), settings_text(options_));
    for (const auto& [name, text] : identity_) description += fmt::format("{}: {}\n", name, text);
    for (const auto& [name, tensor] : task_.state()) description += fmt::format("{} [{}]\n", name, fmt::join(tensor.sizes(), ", "));
    processes_.require_same("settings, data or networks", description);
  }

  /// The leading process's state and place for all.
  void share() {
    if (processes_.size() == 1) return;
    const at::Tensor place = at::tensor({step_, skipped_, rollbacks_, saved_}, at::kLong);
    std::vector<at::Tensor> all{place};
    for (const auto& [name, tensor] : task_.state()) all.push_back(tensor);
    processes_.broadcast(all);
    step_ = place[0].item<int64_t>();
    skipped_ = place[1].item<int64_t>();
    rollbacks_ = place[2].item<int64_t>();
    saved_ = place[3].item<int64_t>();
  }

  bool asked_to_end() const { return unwritten_ || (stop_ != nullptr && stop_->load()); }
  /// Several processes agree on it in each step.
  bool ended() const { return step_ >= options_.steps || (processes_.size() == 1 ? asked_to_end() : one_asked_to_end_); }

  void advance() {
    choose_threads();
    const double rate = learning_rate_factor(options_, step_);
    NamedValues values = task_.step(step_ + skipped_, rate);
    one_asked_to_end_ = merged(values, asked_to_end(), processes_);
    ++step_;
    for (const auto& [name, value] : values) {
      if (std::isfinite(value)) continue;
      const std::string tensor = first_not_finite(task_.state());
      return not_finite(fmt::format("{} is {}{}", name, value, tensor.empty() ? "" : fmt::format(", and so is tensor '{}'", tensor)));
    }
    values.emplace_back("learning_rate_factor", rate);  // of the schedule: each optimizer has a rate of its own
    means_.add(values);
    const bool last = step_ == options_.steps;
    if (due(step_, options_.log_every) || last) log();
    const bool sampled = options_.sample_every > 0 && (due(step_, options_.sample_every) || last);
    const bool saved = due(step_, options_.checkpoint_every);
    if ((sampled || saved) && !healthy()) return;
    if (sampled) sample();
    if (saved) save();
    progress_->update(step_, task_.photos_per_step(),
                      values.empty() ? "" : fmt::format("{} {:.3f}", values.front().first, values.front().second));
  }

  /// Another number of threads is put on record: it changes the last bits.
  void choose_threads() {
    const std::string line = threads_ != nullptr ? threads_->next() : std::string();
    if (line.empty()) return;
    const std::string message = fmt::format("from step {} on {}", step_ + 1, line);
    if (recorder_) written([&] { recorder_->warning(step_, message); });
    progress_->message(message);
  }

  /// What cannot be written ends the run like a request to stop: its state is saved before the error is told.
  template <class Write>
  bool written(const Write& write) {
    try {
      write();
      return true;
    } catch (const Error&) {
      unwritten_ = std::current_exception();
      return false;
    }
  }

  void log() {
    if (!recorder_) return;
    NamedValues averaged = means_.values();
    if (measures_held_out()) std::ranges::move(task_.held_out(), std::back_inserter(averaged));
    const auto warnings = task_.warnings(step_, averaged);
    if (written([&] { recorder_->scalars(step_, averaged); })) means_ = {};
    for (const std::string& warning : warnings) {
      written([&] { recorder_->warning(step_, warning); });
      // Every one is in the log; on the terminal one of a kind, until the run is twice as long.
      int64_t& next = tell_from_[message_kind(warning)];
      if (step_ < next) continue;
      next = 2 * step_;
      progress_->message("warning: " + warning);
    }
  }

  /// In one log line of so many steps, and in the last: a line a step would pay for 64 photos in each. It follows from the step alone, so
  /// that a run that was stopped measures in the same lines.
  bool measures_held_out() const {
    constexpr int64_t kSteps = 50;
    return step_ / kSteps != (step_ - std::min(options_.log_every, step_)) / kSteps || step_ == options_.steps;
  }

  void sample() {
    if (!recorder_) return;
    const at::Tensor picture = task_.samples();
    if (!picture.defined()) return;
    const std::string png = encode_png(picture);
    written([&] { recorder_->image(step_, "samples", png, picture.size(1), picture.size(2)); });
  }

  void save() {
    if (folder_ != nullptr) write_checkpoint();
    saved_ = step_;
  }

  void write_checkpoint() {
    folder_->save({.task = task_.name(),
                   .step = step_,
                   .tensors = task_.state(),
                   .skipped = skipped_,
                   .rollbacks = rollbacks_,
                   // Where a run happens to be stopped must not decide where it is rolled back to.
                   .landmark = options_.on_nan != OnNan::kRollback || step_ == 0 || due(step_, options_.checkpoint_every),
                   .threads = at::get_num_threads(),
                   .threads_measured = threads_ != nullptr && threads_->measures(),
                   .means = means_.sums(),
                   .identity = identity_,
                   .settings = settings_.changeable});
  }

  /// A checkpoint goes on with what it was written for; what may change is told.
  void require_own(const Checkpoint& checkpoint) const {
    const std::string file = folder_->checkpoint_file().string();
    if (checkpoint.task != task_.name())
      throw Error(fmt::format("{}: a checkpoint of '{}', not of '{}'", file, checkpoint.task, task_.name()));
    if (checkpoint.step > options_.steps) {
      throw Error(fmt::format("{}: {} done, which is more than the {} of the run", file, counted(checkpoint.step, "step is", "steps are"),
                              options_.steps));
    }
    compare(checkpoint.identity, identity_, [&](const std::string& name, const std::string& then, const std::string& now) {
      throw Error(fmt::format("{} belongs to another run: {} was {}, found {}", file, name, then, now));
    });
    compare(checkpoint.settings, settings_.changeable, [&](const std::string& name, const std::string& then, const std::string& now) {
      status_ << fmt::format("resuming with another {}: {} instead of {}\n", name, now, then);
    });
    if (checkpoint.threads > 0 && checkpoint.threads != at::get_num_threads()) {
      status_ << fmt::format("resuming on {} instead of {}: the last bits may differ from those of a run that was not stopped\n",
                             counted(at::get_num_threads(), "thread"), checkpoint.threads);
    }
  }

  void restore(const Checkpoint& checkpoint) {
    load_tensors(task_.state(), checkpoint.tensors, "", folder_->checkpoint_file().string());
    step_ = saved_ = checkpoint.step;
    skipped_ = checkpoint.skipped;
    rollbacks_ = checkpoint.rollbacks;
    means_ = Means(checkpoint.means);
  }

  /// Whether all that would be saved is finite. Where it is not, the run is back at its last checkpoint, or an exception leaves.
  bool healthy() {
    const std::string wrong = unusable(task_.state());
    if (wrong.empty()) return true;
    not_finite(wrong);
    return false;
  }

  void not_finite(const std::string& what) {
    std::string message = fmt::format("step {}: {}", step_, what);
    const std::vector<std::string> photos = task_.photos(step_ - 1 + skipped_);
    if (!photos.empty()) message += "; photos: " + some_of(photos, 8, "");
    const bool again = options_.on_nan == OnNan::kRollback && rollbacks_ < options_.rollbacks;
    const std::string kept = saved_ < 0 ? "there is no checkpoint yet"
                                        : fmt::format("the last good checkpoint, after {}, is {}", counted(saved_, "step"),
                                                      folder_ != nullptr ? folder_->checkpoint_file().string() : "process 0's");
    if (!again) {
      if (options_.on_nan == OnNan::kRollback) message += fmt::format("; rolled back {} already", counted(rollbacks_, "time"));
      message += "; training stopped; " + kept;
      if (recorder_) recorder_->warning(step_, message);
      progress_->finish();
      throw Error(message);
    }
    if (folder_ != nullptr) go_back(message);
    share();
    message += fmt::format("; back to step {} and on with other batches, rollback {} of {}", step_, rollbacks_, options_.rollbacks);
    if (folder_ != nullptr) {
      recorder_.emplace(folder_->path(), step_);
      // From step 0 on the log begins anew, but for the rollbacks before.
      told_.push_back(message);
      for (size_t i = step_ == 0 ? 0 : told_.size() - 1; i < told_.size(); ++i) recorder_->warning(step_, told_[i]);
    }
    progress_->message("warning: " + message);
  }

  void go_back(const std::string& message) {
    const std::optional<Checkpoint> good = folder_->load_landmark();
    if (!good) throw Error(fmt::format("{}; the checkpoint to go back to is gone", message));
    const int64_t skipped = skipped_ + step_ - good->step, rollbacks = rollbacks_ + 1;
    restore(*good);
    // A run that is stopped between here and the next checkpoint comes here again, to the same bits.
    skipped_ = skipped;
    rollbacks_ = rollbacks;
  }

  TrainingTask& task_;
  const TrainerOptions& options_;
  RunFolder* folder_;
  std::ostream& status_;
  const RunSettings& settings_;
  const ProcessGroup& processes_;
  const std::atomic<bool>* stop_;
  MeasuredThreads* threads_;
  NamedTexts identity_;
  int64_t step_ = 0, skipped_ = 0, rollbacks_ = 0;
  int64_t saved_ = -1;  // the step of the last checkpoint
  bool one_asked_to_end_ = false;
  Means means_;
  std::map<std::string, int64_t> tell_from_;  // by a warning's kind: the step
  std::optional<Recorder> recorder_;
  std::optional<Progress> progress_;
  std::exception_ptr unwritten_;
  std::vector<std::string> told_;  // of rollbacks
};

}  // namespace

double learning_rate_factor(const TrainerOptions& options, int64_t step) {
  const double start = options.decay_start * static_cast<double>(options.steps);
  if (static_cast<double>(step) < start) return 1;
  const double past = (static_cast<double>(step) - start) / std::max(1.0, static_cast<double>(options.steps) - start);
  return 1 + past * (options.final_rate - 1);
}

Trainer::Trainer(TrainerOptions options, std::filesystem::path run, std::ostream& status, RunSettings settings, ProcessGroup processes)
    : options_(checked(options)), run_(std::move(run)), status_(status), settings_(std::move(settings)), processes_(std::move(processes)) {}

TrainingOutcome Trainer::run(TrainingTask& task, bool resume, const std::atomic<bool>* stop) {
  if (!processes_.leads()) return run(task, nullptr, std::nullopt, stop);
  RunFolder folder(run_, resume);
  return run(task, &folder, resume ? folder.load(status_) : std::nullopt, stop);
}

TrainingOutcome Trainer::run(TrainingTask& task, RunFolder* folder, const std::optional<Checkpoint>& from, const std::atomic<bool>* stop,
                             MeasuredThreads* threads) {
  std::ostream silence(nullptr);
  std::ostream& status = folder != nullptr ? status_ : silence;
  const auto begin = std::chrono::steady_clock::now();
  const int64_t done = TrainingRun(task, options_, folder, status, settings_, processes_, from, stop, threads).train();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  return {done, done >= options_.steps, seconds.count(), task.note_on_result()};
}

}  // namespace secgan
