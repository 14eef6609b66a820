#include "secgan/training/trainer.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>

#include "core/format.hpp"
#include "core/whole_number.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/safetensors.hpp"
#include "secgan/nn/state.hpp"
#include "secgan/report/progress.hpp"
#include "secgan/training/recorder.hpp"

namespace secgan {
namespace {

/// Means of the values since the last log line.
class Means {
 public:
  void add(const NamedValues& values) {
    for (const auto& [name, value] : values) {
      const auto found = std::ranges::find_if(sums_, [&](const auto& sum) { return sum.first == name; });
      if (found == sums_.end()) {
        sums_.emplace_back(name, std::pair(value, int64_t{1}));
      } else {
        found->second.first += value;
        found->second.second += 1;
      }
    }
  }
  NamedValues take() {
    NamedValues means;
    for (const auto& [name, sum] : sums_) means.emplace_back(name, sum.first / static_cast<double>(sum.second));
    sums_.clear();
    return means;
  }

 private:
  std::vector<std::pair<std::string, std::pair<double, int64_t>>> sums_;
};

bool due(int64_t done, int64_t every) { return every > 0 && done % every == 0; }

}  // namespace

double learning_rate_factor(const TrainerOptions& options, int64_t step) {
  const double start = options.decay_start * static_cast<double>(options.steps);
  if (static_cast<double>(step) < start) return 1;
  const double past = (static_cast<double>(step) - start) / std::max(1.0, static_cast<double>(options.steps) - start);
  return 1 + past * (options.final_rate - 1);
}

Trainer::Trainer(TrainerOptions options, std::filesystem::path run, std::ostream& status, std::string settings)
    : options_(checked(options)), run_(std::move(run)), status_(status), settings_(std::move(settings)) {}

void Trainer::save_checkpoint(TrainingTask& task, int64_t step) const {
  write_file(checkpoint_file(), encode_safetensors(task.state(), {{"step", std::to_string(step)}, {"task", task.name()}}));
}

int64_t Trainer::load_checkpoint(TrainingTask& task) const {
  const std::string file = checkpoint_file().string();
  const Safetensors checkpoint = load_safetensors(checkpoint_file());
  const auto metadata = [&](const std::string& key) {
    const auto found = checkpoint.metadata.find(key);
    if (found == checkpoint.metadata.end()) throw Error(fmt::format("{}: not a checkpoint, '{}' is missing", file, key));
    return found->second;
  };
  if (metadata("task") != task.name()) {
    throw Error(fmt::format("{}: a checkpoint of '{}', not of '{}'", file, metadata("task"), task.name()));
  }
  const std::string step = metadata("step");
  const std::optional<int64_t> done = whole_number(step);
  if (!done || *done < 0) throw Error(fmt::format("{}: a checkpoint after '{}' steps", file, step));
  load_tensors(task.state(), checkpoint.tensors, "", file);
  return *done;
}

TrainingOutcome Trainer::run(TrainingTask& task, bool resume, const std::atomic<bool>* stop) {
  namespace fs = std::filesystem;
  int64_t done = 0;
  if (resume) {
    if (!fs::exists(checkpoint_file())) throw FileNotFound(fmt::format("nothing to resume: {} is missing", checkpoint_file().string()));
    done = load_checkpoint(task);
  } else if (fs::exists(checkpoint_file())) {
    throw Error(fmt::format("{} holds a run already: resume it, or choose another folder", run_.string()));
  }
  fs::create_directories(run_);
  // Not before the run is known to fit: a refused start must leave the settings of the run that is there.
  if (!settings_.empty()) write_file(run_ / "settings.toml", settings_);

  Recorder recorder(run_, done);
  Progress progress(task.name(), done, options_.steps, status_);
  Means means;
  const auto begin = std::chrono::steady_clock::now();
  bool stopped = false;
  for (; done < options_.steps && !stopped;) {
    const double rate = learning_rate_factor(options_, done);
    NamedValues values = task.step(done, rate);
    ++done;
    for (const auto& [name, value] : values) {
      if (std::isfinite(value)) continue;
      const std::string kept = fs::exists(checkpoint_file()) ? fmt::format("the last checkpoint is kept in {}", checkpoint_file().string())
                                                             : std::string("there is no checkpoint yet");
      const std::string message = fmt::format("step {}: {} is {}: training stopped; {}", done, name, value, kept);
      recorder.warning(done, message);
      progress.finish();
      throw Error(message);
    }
    values.emplace_back("learning_rate", rate);
    means.add(values);
    if (due(done, options_.log_every) || done == options_.steps) {
      const NamedValues averaged = means.take();
      recorder.scalars(done, averaged);
      for (const std::string& warning : task.warnings(done)) {
        recorder.warning(done, warning);
        progress.message("warning: " + warning);
      }
    }
    stopped = stop != nullptr && stop->load();
    if (due(done, options_.sample_every) || (options_.sample_every > 0 && done == options_.steps)) {
      const at::Tensor picture = task.samples();
      if (picture.defined()) recorder.image(done, "samples", encode_png(picture), picture.size(1), picture.size(2));
    }
    if (due(done, options_.checkpoint_every) || stopped || done == options_.steps) save_checkpoint(task, done);
    progress.update(done, task.photos_per_step(),
                    values.empty() ? "" : fmt::format("{} {:.3f}", values.front().first, values.front().second));
  }
  progress.finish();
  task.save_result(run_);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  return {done, done >= options_.steps, seconds.count()};
}

}  // namespace secgan
