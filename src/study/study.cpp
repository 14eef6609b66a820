#include "study/study.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <ostream>

#include "core/format.hpp"
#include "core/median.hpp"
#include "io/json.hpp"
#include "secgan/core/device.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/threads.hpp"
#include "secgan/evaluation/report.hpp"
#include "secgan/io/digest.hpp"
#include "secgan/io/file.hpp"
#include "secgan/models/backbone.hpp"
#include "secgan/nn/profile.hpp"
#include "secgan/training/train.hpp"
#include "study/study_report.hpp"

namespace secgan {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

class Study {
 public:
  Study(const StudySettings& settings, fs::path out, std::ostream& status, const std::atomic<bool>* stop)
      : settings_(settings), out_(std::move(out)), status_(status), stop_(stop) {
    results_.settings = settings;
    data_.source.kind = DataKind::kSynthetic;
    data_.image_size = settings.image_size;
    data_.count = settings.faces;
    variants_ = {{"plain", "photo branch alone", false, 0, 1},
                 {"sc0", "both branches, λ_sc 0", true, 0, 1},
                 {"sc", fmt::format("both branches, λ_sc {:g}", settings.lambda_sc), true, settings.lambda_sc, 1}};
  }

  bool run() {
    if (!train_helpers()) return false;
    measure_costs();
    for (const std::string& backbone : settings_.backbones) {
      std::vector<StudyVariant> variants = variants_;
      if (settings_.same_time) {
        const double ratio = results_.costs.at({backbone, "sc"}).seconds_per_step / results_.costs.at({backbone, "plain"}).seconds_per_step;
        variants.push_back({"plain-time", fmt::format("photo branch alone, {:.2f} times the steps", ratio), false, 0, ratio});
      }
      for (int64_t k = 0; k < settings_.seeds; ++k) {
        for (const StudyVariant& variant : variants) {
          if (!train_one(backbone, variant, k)) return false;
        }
      }
      results_.variants[backbone] = variants;
    }
    status_ << write_study(results_, unseen(), out_);
    return true;
  }

 private:
  template <class Settings>
  bool stage(Settings settings, const fs::path& folder) {
    settings.threads = settings_.threads;
    settings.device = settings_.device;
    return train_or_resume(settings, {.run = folder, .status = &status_, .stop = stop_}).finished;
  }

  bool train_helpers() {
    return stage(small_scale_parser(data_, settings_.parser_steps, settings_.seed), out_ / "parser") &&
           stage(small_scale_classifier(data_, settings_.classifier_steps, settings_.seed + 1), out_ / "judge") &&
           stage(small_scale_classifier(data_, settings_.classifier_steps, settings_.seed + 2), out_ / "features");
  }

  TrainSettings settings_of(const std::string& backbone, const StudyVariant& variant, int64_t k) const {
    TrainSettings settings;
    settings.data = data_;
    settings.task = small_scale_recipe(backbone);
    settings.task.losses = settings_.losses;
    settings.task.mask_branch = variant.mask_branch;
    settings.task.losses.photo.semantic_consistency = settings.task.losses.mask.semantic_consistency = variant.lambda_sc;
    settings.task.loader.seed = settings_.seed + 100 + static_cast<uint64_t>(k);
    if (variant.mask_branch) settings.parser = (out_ / "parser" / "bundle").string();
    settings.classifier = (out_ / "judge" / "bundle").string();
    settings.trainer.steps = std::llround(static_cast<double>(settings_.steps) * variant.length);
    settings.trainer.log_every = 20;
    settings.trainer.sample_every = 0;
    settings.trainer.checkpoint_every = 500;
    settings.threads = settings_.threads;
    settings.device = settings_.device;
    return settings;
  }

  /// Seconds of a step, variants in turns, so that a busy machine slows all of them alike; memory of each alone.
  void measure_costs() {
    const fs::path file = out_ / "costs.json";
    if (fs::exists(file)) {
      for (const auto& row : Json::parse(read_file(file, kMostText))) {
        results_.costs[{row["backbone"], row["variant"]}] = {row["seconds_per_step"], row["memory"]};
      }
      return;
    }
    const ThreadGuard threads(settings_.threads);
    const Device device = find_device(settings_.device);
    DataSettings few = data_;
    few.count = std::min<int64_t>(settings_.faces, 256);
    const auto data = open_dataset(few, Split::kTrain, true, false);
    const auto base = [&](const StudyVariant& variant) {
      Bundle bundle = variant.mask_branch ? load_bundle(out_ / "parser" / "bundle") : Bundle{};
      bundle.classifier = load_bundle(out_ / "judge" / "bundle").classifier;
      bundle.info.crop = data_.resolved_crop();
      return bundle;
    };
    Json rows = Json::array();
    for (const std::string& backbone : settings_.backbones) {
      std::vector<std::unique_ptr<SecganTask>> tasks;
      std::vector<double> memory;
      std::vector<std::vector<double>> seconds(variants_.size());
      for (const StudyVariant& variant : variants_) {
        memory.push_back(static_cast<double>(peak_bytes([&] {
          tasks.push_back(std::make_unique<SecganTask>(data, settings_of(backbone, variant, 0).task, base(variant), CustomNetworks{},
                                                       ProcessGroup(), device));
          tasks.back()->step(0, 1);
          tasks.back()->step(1, 1);
        })));
      }
      for (int64_t round = 0; round < settings_.timing_rounds; ++round) {
        for (size_t v = 0; v < tasks.size(); ++v) {
          const auto begin = std::chrono::steady_clock::now();
          tasks[v]->step(2 + round, 1);
          seconds[v].push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
        }
      }
      for (size_t v = 0; v < tasks.size(); ++v) {
        const StudyCost cost{median(seconds[v]), memory[v]};
        results_.costs[{backbone, variants_[v].key}] = cost;
        rows.push_back(
            {{"backbone", backbone}, {"variant", variants_[v].key}, {"seconds_per_step", cost.seconds_per_step}, {"memory", cost.memory}});
      }
    }
    write_file(file, rows.dump(2) + "\n");
  }

  bool train_one(const std::string& backbone, const StudyVariant& variant, int64_t k) {
    const fs::path folder = out_ / "runs" / fmt::format("{}-{}-{}", backbone, variant.key, k + 1);
    status_ << printable(folder.string()) << '\n';
    if (!stage(settings_of(backbone, variant, k), folder)) return false;
    StudyRun run;
    run.bundle = load_bundle(folder / "bundle");
    // One parser for all, so that what may change outside a region is measured alike.
    if (!run.bundle.parser) run.bundle.parser = load_bundle(out_ / "parser" / "bundle").parser;
    run.bundle.to(find_device(settings_.device));
    EvaluationProtocol protocol;
    protocol.photos = settings_.unseen;
    protocol.min_samples = settings_.unseen;
    protocol.resamples = 200;
    Judges judges;
    judges.other = classifier_extractor(load_bundle(out_ / "features" / "bundle").classifier, "other-classifier");
    run.evaluation = evaluate(run.bundle, unseen(), protocol, judges, {.notable = 0});
    write_evaluation(folder / "evaluation", run.evaluation,
                     {folder.filename().string(),
                      sha256_file(folder / "bundle" / "model.safetensors"),
                      fmt::format("drawn faces, {} px", settings_.image_size),
                      {},
                      {}});
    for (const std::string key : kStudyMetrics) {
      const Metric& metric = run.evaluation.metric(key);
      if (metric.measured) run.metrics[key] = metric.measured->value;
    }
    for (const auto& [attribute, metrics] : run.evaluation.attributes) run.recognition[attribute] = metrics.front().measured->value;
    results_.runs[{backbone, variant.key}].push_back(std::move(run));
    return true;
  }

  const Dataset& unseen() {
    if (!unseen_) {
      DataSettings test = data_;
      test.count = settings_.unseen;
      unseen_ = open_dataset(test, Split::kTest, true, true);
    }
    return *unseen_;
  }

  const StudySettings& settings_;
  fs::path out_;
  std::ostream& status_;
  const std::atomic<bool>* stop_;
  DataSettings data_;
  std::vector<StudyVariant> variants_;
  StudyResults results_;
  std::shared_ptr<const Dataset> unseen_;
};

}  // namespace

void StudySettings::check() const {
  if (backbones.empty()) throw InvalidArgument("backbones is empty: name at least one");
  for (const std::string& name : backbones) {
    backbone(name);
    // Its runs would count twice, as if they were of other seeds.
    if (std::ranges::count(backbones, name) > 1) throw InvalidArgument(fmt::format("backbones: '{}' is given twice", name));
  }
  // Every variant sets them: a weight given here would be named in the report and not be used.
  const SecganStepOptions recipe = small_scale_recipe().losses;
  if (losses.photo.semantic_consistency != recipe.photo.semantic_consistency ||
      losses.mask.semantic_consistency != recipe.mask.semantic_consistency) {
    throw InvalidArgument("losses: the weights of the semantic consistency are lambda_sc's to set");
  }
  // Nobody is judged by his teacher.
  if (losses.photo.generator_classifier > 0) {
    throw InvalidArgument(fmt::format("losses: photo.generator_classifier must be 0, found {}: the classifier of these runs is their judge",
                                      losses.photo.generator_classifier));
  }
}

bool run_study(const StudySettings& settings, const fs::path& out, std::ostream& status, const std::atomic<bool>* stop) {
  validate(settings);
  find_device(settings.device);
  // Runs of other settings in one table would be a lie. Equal time only adds runs, and a device changes nothing.
  const fs::path file = out / "settings.json";
  const auto compared = [](Json json) {
    for (const char* name : {"same_time", "device"}) {
      if (json.is_object()) json.erase(name);
    }
    return json;
  };
  const Json json = detail::to_json(settings);
  std::error_code ignored;
  const bool begun = fs::exists(file, ignored);
  require_own_place(out, {"parser", "judge", "features", "runs", "costs.json", "report.json", "report.md", "report.html"}, begun);
  if (begun && compared(Json::parse(read_file(file, kMostText), nullptr, /*allow_exceptions=*/false)) != compared(json)) {
    throw Error(fmt::format("{} holds a study of other settings: choose another folder", out.string()));
  }
  make_folder(out);
  write_file(file, json.dump(2) + "\n");
  return Study(settings, out, status, stop).run();
}

}  // namespace secgan
