#include "secgan/training/trainer.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <optional>
#include <ostream>
#include <utility>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/io/file.hpp"
#include "secgan/nn/finite.hpp"
#include "secgan/nn/state.hpp"
#include "secgan/report/progress.hpp"
#include "secgan/training/recorder.hpp"

namespace secgan {
namespace {

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

/// One call of Trainer::run.
class TrainingRun {
 public:
  TrainingRun(TrainingTask& task, const TrainerOptions& options, RunFolder& folder, std::ostream& status, const RunSettings& settings,
              const std::optional<Checkpoint>& from, const std::atomic<bool>* stop)
      : task_(task), options_(options), folder_(folder), status_(status), settings_(settings), stop_(stop), identity_(task.identity()) {
    identity_.insert(identity_.end(), settings.fixed.begin(), settings.fixed.end());
    if (!folder.locked()) status << fmt::format("{} cannot be locked there: let no other process train in it\n", folder.path().string());
    if (from) {
      require_own(*from);
      restore(*from);
    }
    // Not before the run is known to fit: a refused start must leave the settings of the run that is there.
    if (!settings_.file.empty()) write_file(folder_.path() / "settings.toml", settings_.file);
    recorder_.emplace(folder_.path(), step_);
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
    task_.save_result(folder_.path());
    return step_;
  }

 private:
  bool ended() const { return step_ >= options_.steps || unwritten_ || (stop_ != nullptr && stop_->load()); }

  void advance() {
    const double rate = learning_rate_factor(options_, step_);
    NamedValues values = task_.step(step_ + skipped_, rate);
    ++step_;
    for (const auto& [name, value] : values) {
      if (std::isfinite(value)) continue;
      const auto tensor = first_not_finite(task_.state());
      return not_finite(fmt::format("{} is {}{}", name, value, tensor ? fmt::format(", and so is tensor '{}'", *tensor) : ""));
    }
    values.emplace_back("learning_rate", rate);
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
    const NamedValues averaged = means_.values();
    const auto warnings = task_.warnings(step_, averaged);
    if (written([&] { recorder_->scalars(step_, averaged); })) means_ = {};
    for (const std::string& warning : warnings) {
      written([&] { recorder_->warning(step_, warning); });
      progress_->message("warning: " + warning);
    }
  }

  void sample() {
    const at::Tensor picture = task_.samples();
    if (!picture.defined()) return;
    const std::string png = encode_png(picture);
    written([&] { recorder_->image(step_, "samples", png, picture.size(1), picture.size(2)); });
  }

  void save() {
    folder_.save({.task = task_.name(),
                  .step = step_,
                  .tensors = task_.state(),
                  .skipped = skipped_,
                  .rollbacks = rollbacks_,
                  // Where a run happens to be stopped must not decide where it is rolled back to.
                  .landmark = options_.on_nan != OnNan::kRollback || step_ == 0 || due(step_, options_.checkpoint_every),
                  .threads = at::get_num_threads(),
                  .means = means_.sums(),
                  .identity = identity_,
                  .settings = settings_.changeable});
    saved_ = step_;
  }

  /// A checkpoint goes on with what it was written for; what may change is told.
  void require_own(const Checkpoint& checkpoint) const {
    const std::string file = folder_.checkpoint_file().string();
    if (checkpoint.task != task_.name())
      throw Error(fmt::format("{}: a checkpoint of '{}', not of '{}'", file, checkpoint.task, task_.name()));
    if (checkpoint.step > options_.steps) {
      throw Error(fmt::format("{}: {} steps are done, which is more than the {} of the run", file, checkpoint.step, options_.steps));
    }
    compare(checkpoint.identity, identity_, [&](const std::string& name, const std::string& then, const std::string& now) {
      throw Error(fmt::format("{} belongs to another run: {} was {}, found {}", file, name, then, now));
    });
    compare(checkpoint.settings, settings_.changeable, [&](const std::string& name, const std::string& then, const std::string& now) {
      status_ << fmt::format("resuming with another {}: {} instead of {}\n", name, now, then);
    });
    if (checkpoint.threads > 0 && checkpoint.threads != at::get_num_threads()) {
      status_ << fmt::format("resuming on {} threads instead of {}: the last bits may differ from those of a run that was not stopped\n",
                             at::get_num_threads(), checkpoint.threads);
    }
  }

  void restore(const Checkpoint& checkpoint) {
    load_tensors(task_.state(), checkpoint.tensors, "", folder_.checkpoint_file().string());
    step_ = saved_ = checkpoint.step;
    skipped_ = checkpoint.skipped;
    rollbacks_ = checkpoint.rollbacks;
    means_ = Means(checkpoint.means);
  }

  /// Whether all that would be saved is finite. Where it is not, the run is back at its last checkpoint, or an exception leaves.
  bool healthy() {
    const auto tensor = first_not_finite(task_.state());
    if (!tensor) return true;
    not_finite(fmt::format("tensor '{}' holds a value that is not finite", *tensor));
    return false;
  }

  void not_finite(const std::string& what) {
    std::string message = fmt::format("step {}: {}", step_, what);
    std::vector<std::string> photos = task_.photos(step_ - 1 + skipped_);
    if (constexpr size_t kNamed = 8; !photos.empty()) {
      const size_t more = photos.size() > kNamed ? photos.size() - kNamed : 0;
      photos.resize(photos.size() - more);
      message += fmt::format("; photos: {}{}", fmt::join(photos, ", "), more > 0 ? fmt::format(" and {} more", more) : "");
    }
    const bool again = options_.on_nan == OnNan::kRollback && rollbacks_ < options_.rollbacks;
    const std::string kept =
        saved_ < 0 ? "there is no checkpoint yet"
                   : fmt::format("the last good checkpoint, after {} steps, is {}", saved_, folder_.checkpoint_file().string());
    if (!again) {
      if (options_.on_nan == OnNan::kRollback) message += fmt::format("; rolled back {} times already", rollbacks_);
      message += "; training stopped; " + kept;
      recorder_->warning(step_, message);
      progress_->finish();
      throw Error(message);
    }
    const std::optional<Checkpoint> good = folder_.load_landmark();
    if (!good) throw Error(fmt::format("{}; the checkpoint to go back to is gone", message));
    const int64_t skipped = skipped_ + step_ - good->step, rollbacks = rollbacks_ + 1;
    restore(*good);
    // A run that is stopped between here and the next checkpoint comes here again, to the same bits.
    skipped_ = skipped;
    rollbacks_ = rollbacks;
    message += fmt::format("; back to step {} and on with other batches, rollback {} of {}", step_, rollbacks_, options_.rollbacks);
    recorder_.emplace(folder_.path(), step_);
    recorder_->warning(step_, message);
    progress_->message("warning: " + message);
  }

  TrainingTask& task_;
  const TrainerOptions& options_;
  RunFolder& folder_;
  std::ostream& status_;
  const RunSettings& settings_;
  const std::atomic<bool>* stop_;
  NamedTexts identity_;
  int64_t step_ = 0, skipped_ = 0, rollbacks_ = 0;
  int64_t saved_ = -1;  // the step of the last checkpoint
  Means means_;
  std::optional<Recorder> recorder_;
  std::optional<Progress> progress_;
  std::exception_ptr unwritten_;
};

}  // namespace

double learning_rate_factor(const TrainerOptions& options, int64_t step) {
  const double start = options.decay_start * static_cast<double>(options.steps);
  if (static_cast<double>(step) < start) return 1;
  const double past = (static_cast<double>(step) - start) / std::max(1.0, static_cast<double>(options.steps) - start);
  return 1 + past * (options.final_rate - 1);
}

Trainer::Trainer(TrainerOptions options, std::filesystem::path run, std::ostream& status, RunSettings settings)
    : options_(checked(options)), run_(std::move(run)), status_(status), settings_(std::move(settings)) {}

TrainingOutcome Trainer::run(TrainingTask& task, bool resume, const std::atomic<bool>* stop) {
  RunFolder folder(run_, resume);
  return run(task, folder, resume ? folder.load(status_) : std::nullopt, stop);
}

TrainingOutcome Trainer::run(TrainingTask& task, RunFolder& folder, const std::optional<Checkpoint>& from, const std::atomic<bool>* stop) {
  const auto begin = std::chrono::steady_clock::now();
  const int64_t done = TrainingRun(task, options_, folder, status_, settings_, from, stop).train();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  return {done, done >= options_.steps, seconds.count()};
}

}  // namespace secgan
