#include "study/study.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <iterator>
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
#include "secgan/io/settings.hpp"
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
    data_ = settings.data();
    all_variants_ = {{"plain", "photo branch alone", false, 0, 1},
                     {"sc0", "both branches, λ_sc 0", true, 0, 1},
                     {"sc", fmt::format("both branches, λ_sc {:g}", settings.lambda_sc), true, settings.lambda_sc, 1}};
  }

  bool run() {
    if (!train_helpers()) return false;
    measure_costs();
    for (const std::string& backbone : settings_.backbones) {
      std::vector<StudyVariant> variants;
      std::ranges::copy_if(all_variants_, std::back_inserter(variants),
                           [&](const StudyVariant& variant) { return std::ranges::count(settings_.variants, variant.key) > 0; });
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
    if (settings_.parser.empty()) {
      parser_ = out_ / "parser" / "bundle";
      if (!stage(small_scale_parser(data_, settings_.parser_steps, settings_.seed), out_ / "parser")) return false;
    } else {
      parser_ = settings_.parser;
    }
    return stage(small_scale_classifier(data_, settings_.classifier_steps, settings_.seed + 1), out_ / "judge") &&
           stage(small_scale_classifier(data_, settings_.classifier_steps, settings_.seed + 2), out_ / "features");
  }

  TrainSettings settings_of(const std::string& backbone, const StudyVariant& variant, int64_t k) const {
    TrainSettings settings;
    settings.data = data_;
    settings.task = settings_.recipe(backbone);
    settings.task.losses = settings_.losses;
    settings.task.mask_branch = variant.mask_branch;
    settings.task.losses.photo.semantic_consistency = settings.task.losses.mask.semantic_consistency = variant.lambda_sc;
    settings.task.loader.seed = settings_.seed + 100 + static_cast<uint64_t>(k);
    if (variant.mask_branch) settings.parser = parser_.string();
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
    Json rows = Json::array();
    if (fs::exists(file)) rows = Json::parse(read_file(file, kMostText));
    for (const auto& row : rows) results_.costs[{row["backbone"], row["variant"]}] = {row["seconds_per_step"], row["memory"]};
    const auto known = [&](const std::string& backbone) { return results_.costs.contains({backbone, all_variants_.back().key}); };
    if (std::ranges::all_of(settings_.backbones, known)) return;
    const ThreadGuard threads(settings_.threads);
    const Device device = find_device(settings_.device);
    DataSettings few = data_;
    few.count = std::min<int64_t>(settings_.faces, 256);
    const auto data = open_dataset(few, Split::kTrain, true, false);
    const auto base = [&](const StudyVariant& variant) {
      Bundle bundle = variant.mask_branch ? load_bundle(parser_) : Bundle{};
      bundle.classifier = load_bundle(out_ / "judge" / "bundle").classifier;
      bundle.info.crop = data_.resolved_crop();
      return bundle;
    };
    for (const std::string& backbone : settings_.backbones) {
      if (known(backbone)) continue;
      std::vector<std::unique_ptr<SecganTask>> tasks;
      std::vector<double> memory;
      std::vector<std::vector<double>> seconds(all_variants_.size());
      for (const StudyVariant& variant : all_variants_) {
        memory.push_back(static_cast<double>(peak_bytes([&] {
          SecganTaskOptions options = settings_of(backbone, variant, 0).task;
          options.discriminator_lead = 0;  // of the first steps only
          tasks.push_back(std::make_unique<SecganTask>(data, options, base(variant), CustomNetworks{}, ProcessGroup(), device));
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
        results_.costs[{backbone, all_variants_[v].key}] = cost;
        rows.push_back({{"backbone", backbone},
                        {"variant", all_variants_[v].key},
                        {"seconds_per_step", cost.seconds_per_step},
                        {"memory", cost.memory}});
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
    if (!run.bundle.parser) run.bundle.parser = load_bundle(parser_).parser;
    run.bundle.to(find_device(settings_.device));
    EvaluationProtocol protocol;
    protocol.split = settings_.split;
    protocol.photos = protocol.min_samples = static_cast<int64_t>(unseen().size());
    protocol.resamples = 200;
    Judges judges;
    judges.other = classifier_extractor(load_bundle(out_ / "features" / "bundle").classifier, "other-classifier");
    run.evaluation = evaluate(run.bundle, unseen(), protocol, judges, {.notable = 0});
    write_evaluation(folder / "evaluation", run.evaluation,
                     {folder.filename().string(),
                      sha256_file(folder / "bundle" / "model.safetensors"),
                      fmt::format("{}, {} px", settings_.source.title(), settings_.image_size),
                      {},
                      {}});
    for (const std::string key : kStudyMetrics) {
      const Metric& metric = run.evaluation.metric(key);
      if (metric.measured) run.metrics[key] = *metric.measured;
    }
    results_.runs[{backbone, variant.key}].push_back(std::move(run));
    return true;
  }

  const Dataset& unseen() {
    if (!unseen_) {
      DataSettings few = data_;
      few.count = settings_.unseen;
      unseen_ = open_dataset(few, settings_.split, true, /*with_masks=*/data_.source.kind == DataKind::kSynthetic);
    }
    return *unseen_;
  }

  const StudySettings& settings_;
  fs::path out_;
  std::ostream& status_;
  const std::atomic<bool>* stop_;
  DataSettings data_;
  std::vector<StudyVariant> all_variants_;
  fs::path parser_;
  StudyResults results_;
  std::shared_ptr<const Dataset> unseen_;
};

/// A study's file, with the defaults of what it does not name; an empty object for what is no such file.
Json settings_in(const fs::path& file) {
  try {
    return detail::to_json(load_settings<StudySettings>(file));
  } catch (const std::exception&) {
    return Json::object();
  }
}

}  // namespace

SecganTaskOptions StudySettings::recipe(std::string_view backbone) const {
  return source.kind == DataKind::kSynthetic ? small_scale_recipe(backbone) : small_photo_recipe(/*with_classifier=*/false, backbone);
}

void StudySettings::check() const {
  // Its runs would count twice, as if they were of other seeds.
  const auto require_names = [](const std::vector<std::string>& names, std::string_view what) {
    if (names.empty()) throw InvalidArgument(fmt::format("{} is empty: name at least one", what));
    for (const std::string& name : names) {
      if (std::ranges::count(names, name) > 1) throw InvalidArgument(fmt::format("{}: '{}' is given twice", what, name));
    }
  };
  require_names(backbones, "backbones");
  for (const std::string& name : backbones) backbone(name);
  require_names(variants, "variants");
  for (const std::string& name : variants) {
    if (std::ranges::count(kStudyVariants, name) == 0) {
      throw InvalidArgument(fmt::format("variants: '{}' is unknown; known: {}", name, fmt::join(kStudyVariants, ", ")));
    }
  }
  data().check();
  if (split == Split::kTrain) throw InvalidArgument("split must be validation or test, found train: the runs are trained on it");
  if (attributes.empty() && source.kind != DataKind::kSynthetic) throw InvalidArgument("attributes is empty: name at least one");
  const bool no_masks = source.kind == DataKind::kCelebA || (source.kind == DataKind::kFolder && source.mask_folder.empty());
  if (no_masks && parser.empty()) {
    throw InvalidArgument(
        fmt::format("parser is missing: these photos ({}) have no masks to train one on: name a bundle of train-parser "
                    "or import",
                    source.title()));
  }
  // Every variant sets them: a weight given here would be named in the report and not be used.
  const SecganStepOptions usual = recipe().losses;
  if (losses.photo.semantic_consistency != usual.photo.semantic_consistency ||
      losses.mask.semantic_consistency != usual.mask.semantic_consistency) {
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
  if (!settings.parser.empty()) {
    require_parser_fits(load_bundle_with(BundlePart::kParser, settings.parser, "parser"), settings.image_size, settings.parser);
  }
  // Before anything is written: a study that cannot begin leaves nothing behind.
  DataSettings looked_at = settings.data();
  looked_at.cache = false;
  open_dataset(looked_at, Split::kTrain, true, /*with_masks=*/settings.parser.empty())->get(0);
  open_dataset(looked_at, settings.split, true, false)->get(0);
  // Runs of other settings in one table would be a lie. These only add runs or group attributes, and a device changes nothing.
  const fs::path file = out / "settings.json";
  const auto compared = [](Json json) {
    for (const char* name : {"backbones", "variants", "seeds", "same_time", "shown_by_masks", "device"}) json.erase(name);
    return json;
  };
  std::error_code ignored;
  const bool begun = fs::exists(file, ignored);
  require_own_place(out, {"parser", "judge", "features", "runs", "costs.json", "report.json", "report.md", "report.html"}, begun);
  if (begun && compared(settings_in(file)) != compared(detail::to_json(settings))) {
    throw Error(fmt::format("{} holds a study of other settings: choose another folder", out.string()));
  }
  make_folder(out);
  save_settings(file, settings);
  return Study(settings, out, status, stop).run();
}

}  // namespace secgan
