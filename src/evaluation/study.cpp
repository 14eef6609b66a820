#include "secgan/evaluation/study.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <map>
#include <ostream>
#include <thread>

#include "core/format.hpp"
#include "core/rules.hpp"
#include "evaluation/markdown.hpp"
#include "io/options_json.hpp"
#include "secgan/core/error.hpp"
#include "secgan/data/image_file.hpp"
#include "secgan/data/transforms.hpp"
#include "secgan/editing/preview.hpp"
#include "secgan/evaluation/report.hpp"
#include "secgan/io/digest.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/html.hpp"
#include "secgan/nn/profile.hpp"
#include "secgan/training/train.hpp"

namespace secgan {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// One way to train a backbone.
struct Variant {
  std::string key, title;
  bool mask_branch = true;
  double lambda_sc = 0;
  double length = 1;  ///< of the study's steps
};

/// The figures that a study compares, in the order of its tables.
const std::vector<std::string> kCompared{"tarr", "preservation", "change_outside", "frechet_other-classifier", "psnr", "branch_miou"};

/// A run whose edits the judge finds less often than a coin would has not taken off.
constexpr double kStalled = 0.5;

struct Run {
  std::map<std::string, double> figures;      ///< by key; missing where not measured
  std::map<std::string, double> recognition;  ///< TARR by attribute
  Evaluation evaluation;
  Bundle bundle;
};

struct Cost {
  double seconds_per_step = 0;  ///< median
  double memory = 0;            ///< bytes: networks, optimisers, moving averages, batches and a step, at their peak
};

/// Mean and standard deviation over seeds.
struct Spread {
  double mean = 0, deviation = 0;
  size_t count = 0;
};

Spread spread_of(const std::vector<double>& values) {
  Spread out{0, 0, values.size()};
  for (const double v : values) out.mean += v / static_cast<double>(values.size());
  for (const double v : values) out.deviation += (v - out.mean) * (v - out.mean);
  out.deviation = values.size() > 1 ? std::sqrt(out.deviation / static_cast<double>(values.size() - 1)) : std::nan("");
  return out;
}

/// Half the width of Student's 95 % interval of a mean.
double half_width(const Spread& spread) {
  constexpr std::array<double, 10> kQuantiles{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228};
  if (spread.count < 2) return std::nan("");
  const size_t degrees = spread.count - 1;
  const double quantile = degrees <= kQuantiles.size() ? kQuantiles[degrees - 1] : 1.96 + 2.5 / static_cast<double>(degrees);
  return quantile * spread.deviation / std::sqrt(static_cast<double>(spread.count));
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<int64_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

class Study {
 public:
  Study(const StudySettings& settings, fs::path out, std::ostream& status, const std::atomic<bool>* stop)
      : settings_(settings), out_(std::move(out)), status_(status), stop_(stop) {
    data_.kind = DataKind::kSynthetic;
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
      std::vector<Variant> variants = variants_;
      if (settings_.same_time) {
        const double ratio = costs_.at({backbone, "sc"}).seconds_per_step / costs_.at({backbone, "plain"}).seconds_per_step;
        variants.push_back({"plain-time", fmt::format("photo branch alone, {:.2f} times the steps", ratio), false, 0, ratio});
      }
      for (int64_t k = 0; k < settings_.seeds; ++k) {
        for (const Variant& variant : variants) {
          if (!train_one(backbone, variant, k)) return false;
        }
      }
      tried_[backbone] = variants;
    }
    write();
    return true;
  }

 private:
  using Key = std::pair<std::string, std::string>;  // backbone, variant

  template <class Settings>
  bool stage(Settings settings, const fs::path& folder) {
    settings.threads = settings_.threads;
    return train_or_resume(settings, {.run = folder, .status = &status_, .stop = stop_}).finished;
  }

  bool train_helpers() {
    DataSettings others = data_;
    return stage(small_scale_parser(data_, settings_.parser_steps, settings_.seed), out_ / "parser") &&
           stage(small_scale_classifier(data_, settings_.classifier_steps, settings_.seed + 1), out_ / "judge") &&
           stage(small_scale_classifier(others, settings_.classifier_steps, settings_.seed + 2), out_ / "features");
  }

  TrainSettings settings_of(const std::string& backbone, const Variant& variant, int64_t k) const {
    TrainSettings settings;
    settings.data = data_;
    settings.task = small_scale_recipe();
    const Backbone chosen = parse_name(EnumNames<Backbone>::table, backbone, "backbone");
    settings.task.photo_generator.backbone = settings.task.mask_generator.backbone = chosen;
    settings.task.photo_discriminator.backbone = settings.task.mask_discriminator.backbone = chosen;
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
    return settings;
  }

  /// Seconds of a step, variants in turns, so that a busy machine slows all of them alike; memory of each alone.
  void measure_costs() {
    const fs::path file = out_ / "costs.json";
    if (fs::exists(file)) {
      for (const auto& row : Json::parse(read_file(file))) {
        costs_[{row["backbone"], row["variant"]}] = {row["seconds_per_step"], row["memory"]};
      }
      return;
    }
    at::set_num_threads(static_cast<int>(settings_.threads > 0 ? settings_.threads : std::thread::hardware_concurrency()));
    DataSettings few = data_;
    few.count = std::min<int64_t>(settings_.faces, 256);
    const auto data = open_dataset(few, Split::kTrain, true, false);
    const auto base = [&](const Variant& variant) {
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
      for (const Variant& variant : variants_) {
        memory.push_back(static_cast<double>(peak_bytes([&] {
          tasks.push_back(std::make_unique<SecganTask>(data, settings_of(backbone, variant, 0).task, base(variant)));
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
        const Cost cost{median(seconds[v]), memory[v]};
        costs_[{backbone, variants_[v].key}] = cost;
        rows.push_back(
            {{"backbone", backbone}, {"variant", variants_[v].key}, {"seconds_per_step", cost.seconds_per_step}, {"memory", cost.memory}});
      }
    }
    write_file(file, rows.dump(2) + "\n");
  }

  bool train_one(const std::string& backbone, const Variant& variant, int64_t k) {
    const fs::path folder = out_ / "runs" / fmt::format("{}-{}-{}", backbone, variant.key, k + 1);
    status_ << folder.string() << '\n';
    if (!stage(settings_of(backbone, variant, k), folder)) return false;
    Run run;
    run.bundle = load_bundle(folder / "bundle");
    // One parser for all, so that what may change outside a region is measured alike.
    if (run.bundle.parser.is_empty()) {
      const Bundle parser = load_bundle(out_ / "parser" / "bundle");
      run.bundle.parser = parser.parser;
      run.bundle.info.parser_labels = parser.info.parser_labels;
      run.bundle.info.parser_normalization = parser.info.parser_normalization;
    }
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
    for (const std::string& key : kCompared) {
      const Figure& figure = run.evaluation.figure(key);
      if (figure.measured) run.figures[key] = figure.measured->value;
    }
    for (const auto& [attribute, figures] : run.evaluation.attributes) run.recognition[attribute] = figures.front().measured->value;
    runs_[{backbone, variant.key}].push_back(std::move(run));
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

  std::vector<double> values(const Key& key, const std::string& figure) const {
    std::vector<double> out;
    for (const Run& run : runs_.at(key)) {
      if (const auto found = run.figures.find(figure); found != run.figures.end()) out.push_back(found->second);
    }
    return out;
  }

  /// Figure of one variant minus another's, seed by seed.
  Spread difference(const std::string& backbone, const std::string& a, const std::string& b, const std::string& figure) const {
    const std::vector<double> x = values({backbone, a}, figure), y = values({backbone, b}, figure);
    std::vector<double> out;
    for (size_t k = 0; k < std::min(x.size(), y.size()); ++k) out.push_back(x[k] - y[k]);
    return out.empty() ? Spread{} : spread_of(out);
  }

  std::string cell(const Spread& spread, int digits) const {
    if (spread.count == 0) return "–";
    return spread.count < 2 ? fmt::format("{:.{}f}", spread.mean, digits)
                            : fmt::format("{:.{}f} ± {:.{}f}", spread.mean, digits, spread.deviation, digits);
  }

  static int digits(const std::string& key) { return key == "psnr" ? 2 : key == "change_outside" ? 4 : 3; }

  struct Page {
    std::string title, intro, words;
    std::vector<std::string> header;
    std::vector<std::vector<std::string>> rows, differences, recognition;
    std::vector<std::string> recognition_header;
  };

  /// What a difference shows, in words.
  std::string verdict(const std::string& backbone, const std::string& a, const std::string& b, const std::string& what) const {
    const Spread d = difference(backbone, a, b, "tarr");
    const double half = half_width(d);
    if (!std::isfinite(half)) return fmt::format("{}: {} changed TARR by {:+.3f} in one run, which shows nothing.", backbone, what, d.mean);
    if (std::abs(d.mean) <= half) {
      return fmt::format("{}: {} changed TARR by {:+.3f} ± {:.3f}, an interval that holds 0: these runs show no difference of the means.",
                         backbone, what, d.mean, half);
    }
    return fmt::format("{}: {} {} TARR by {:.3f} ± {:.3f}.", backbone, what, d.mean > 0 ? "raised" : "lowered", std::abs(d.mean), half);
  }

  Page page() const {
    Page out;
    out.title = "Does the mask branch pay?";
    out.intro = fmt::format(
        "Drawn faces of {} px, {} to train on, {} unseen for the figures; {} generator updates a run, {} seeds a variant, the recipe of "
        "`secgan train --small`. "
        "One parser, one judge and one feature network for all runs. ± is the standard deviation over seeds; differences are taken seed by "
        "seed, ± half of Student's 95 % interval. "
        "TARR: every attribute flipped in turn at strength 1. Distance: Fréchet distance between photos and edits in the features of "
        "another classifier, trained with another seed than the judge. "
        "Seconds per step: median of {} steps, variants in turns, {} threads. Memory: what networks, optimisers, averages, parser, judge "
        "and a step hold at their peak.",
        settings_.image_size, settings_.faces, settings_.unseen, settings_.steps, settings_.seeds, settings_.timing_rounds,
        at::get_num_threads());
    out.header = {
        "Backbone", "Variant", "TARR",       "by seed", "Others stay", "Change outside", "Distance", "PSNR, dB", "Agrees with mask branch",
        "s / step", "Cost",    "Memory, MiB"};
    out.recognition_header = {"Backbone", "Variant"};
    for (const auto& [attribute, value] : runs_.begin()->second.front().recognition) out.recognition_header.push_back(attribute);
    for (const std::string& backbone : settings_.backbones) {
      const double plain = costs_.at({backbone, "plain"}).seconds_per_step;
      for (const Variant& variant : tried_.at(backbone)) {
        const Key key{backbone, variant.key};
        std::vector<std::string> row{backbone, variant.title};
        for (const std::string& figure : kCompared) {
          const std::vector<double> all = values(key, figure);
          row.push_back(all.empty() ? "–" : cell(spread_of(all), digits(figure)));
          if (figure != "tarr") continue;
          std::vector<std::string> single;
          for (const double value : all) single.push_back(fmt::format("{:.3f}", value));
          row.push_back(fmt::format("{}", fmt::join(single, ", ")));
          const auto stalled = std::count_if(all.begin(), all.end(), [](double value) { return value < kStalled; });
          if (stalled > 0)
            out.words += fmt::format("{}, {}: {} of {} runs stalled, their TARR below {:g}.\n", backbone, variant.title, stalled,
                                     all.size(), kStalled);
        }
        const Cost cost = costs_.at({backbone, variant.key == "plain-time" ? "plain" : variant.key});
        row.push_back(fmt::format("{:.3f}", cost.seconds_per_step));
        row.push_back(fmt::format("{:.2f}", cost.seconds_per_step / plain * variant.length));
        row.push_back(fmt::format("{:.0f}", cost.memory / (1 << 20)));
        out.rows.push_back(std::move(row));
        std::vector<std::string> found{backbone, variant.title};
        for (const auto& [attribute, value] : runs_.at(key).front().recognition) {
          std::vector<double> all;
          for (const Run& run : runs_.at(key)) all.push_back(run.recognition.at(attribute));
          found.push_back(fmt::format("{:.3f}", spread_of(all).mean));
        }
        out.recognition.push_back(std::move(found));
      }
      std::vector<std::tuple<std::string, std::string, std::string>> pairs{
          {"sc", "sc0", "λ_sc above 0 against λ_sc 0"}, {"sc", "plain", "the whole against the photo branch alone, equal steps"}};
      if (settings_.same_time) pairs.emplace_back("sc", "plain-time", "the whole against the photo branch alone, equal time");
      for (const auto& [a, b, what] : pairs) {
        std::vector<std::string> row{backbone, what};
        for (const std::string& figure : kCompared) {
          const Spread d = difference(backbone, a, b, figure);
          row.push_back(d.count == 0  ? "–"
                        : d.count < 2 ? fmt::format("{:+.{}f}", d.mean, digits(figure))
                                      : fmt::format("{:+.{}f} ± {:.{}f}", d.mean, digits(figure), half_width(d), digits(figure)));
        }
        out.differences.push_back(std::move(row));
        out.words += verdict(backbone, a, b, what) + "\n";
      }
    }
    return out;
  }

  std::vector<std::string> difference_header() const {
    return {"Backbone", "Difference", "TARR", "Others stay", "Change outside", "Distance", "PSNR, dB", "Agrees with mask branch"};
  }

  void write() {
    const Page p = page();
    std::string markdown = fmt::format("# {}\n\n{}\n\n{}\n", p.title, p.intro, markdown_table(p.header, p.rows));
    markdown += fmt::format("## Differences\n\n{}\n{}\n", markdown_table(difference_header(), p.differences), p.words);
    markdown += fmt::format("## TARR by attribute\n\n{}", markdown_table(p.recognition_header, p.recognition));
    write_file(out_ / "report.md", markdown);

    std::string words;
    for (const char c : p.words) words += c == '\n' ? std::string("<br>\n") : html_escape(std::string(1, c));
    std::string body = fmt::format("<h1>{}</h1>\n<p class=\"soft\">{}</p>\n", p.title, html_escape(p.intro)) + html_table(p.header, p.rows);
    body += "<h2>Differences</h2>\n" + html_table(difference_header(), p.differences) + "<p>" + words + "</p>\n";
    body += "<h2>TARR by attribute</h2>\n" + html_table(p.recognition_header, p.recognition) + "<h2>The same faces, first seed</h2>\n";
    std::vector<at::Tensor> photos, labels;
    for (int64_t i = 0; i < 5; ++i) {
      const Sample sample = unseen().get(i);
      photos.push_back(to_float(sample.image));
      labels.push_back(sample.labels);
    }
    for (const std::string& backbone : settings_.backbones) {
      for (const Variant& variant : tried_.at(backbone)) {
        Bundle shown = runs_.at({backbone, variant.key}).front().bundle;
        shown.mask_generator = Generator(nullptr);
        const at::Tensor grid = preview(shown, at::stack(photos), at::stack(labels));
        body += html_picture(
            encode_png(grid),
            fmt::format("{}, {}. Columns: photo, reconstruction, {}", backbone, variant.title, fmt::join(shown.info.attributes, ", ")),
            static_cast<int>(grid.size(2) * 3 / 2));
      }
    }
    write_file(out_ / "report.html", html_page(p.title, body));

    Json json{{"secgan_study", 1}, {"settings", to_json(settings_)}, {"protocol", runs_.begin()->second.front().evaluation.hash}};
    for (const auto& [key, runs] : runs_) {
      for (const Run& run : runs) {
        Json figures = Json::object();
        for (const auto& [name, value] : run.figures) figures[name] = value;
        json["runs"][key.first][key.second].push_back({{"figures", figures}, {"tarr", run.recognition}});
      }
    }
    for (const auto& [key, cost] : costs_)
      json["costs"][key.first][key.second] = {{"seconds_per_step", cost.seconds_per_step}, {"memory_bytes", cost.memory}};
    write_file(out_ / "report.json", json.dump(2) + "\n");
    status_ << p.words;
  }

  StudySettings settings_;
  fs::path out_;
  std::ostream& status_;
  const std::atomic<bool>* stop_;
  DataSettings data_;
  std::vector<Variant> variants_;
  std::map<Key, Cost> costs_;
  std::map<Key, std::vector<Run>> runs_;
  std::map<std::string, std::vector<Variant>> tried_;
  std::shared_ptr<const Dataset> unseen_;
};

}  // namespace

void StudySettings::validate() const {
  if (backbones.empty()) throw InvalidArgument("backbones is empty: name at least one");
  for (const std::string& name : backbones) parse_name(EnumNames<Backbone>::table, name, "backbone");
  require_positive("seeds", seeds);
  if (!(lambda_sc > 0)) throw InvalidArgument(fmt::format("lambda_sc {} is not positive", lambda_sc));
  require_multiple(image_size, 5);
  for (const auto& [name, value] : {std::pair("faces", faces), std::pair("steps", steps), std::pair("parser_steps", parser_steps),
                                    std::pair("classifier_steps", classifier_steps), std::pair("timing_rounds", timing_rounds)}) {
    require_positive(name, value);
  }
  if (faces < 64) throw InvalidArgument(fmt::format("faces {} is below 64, a batch of the judge's training", faces));
  if (unseen < 5) throw InvalidArgument(fmt::format("unseen {} is below 5", unseen));
  require_not_negative("threads", threads);
}

bool run_study(const StudySettings& settings, const fs::path& out, std::ostream& status, const std::atomic<bool>* stop) {
  settings.validate();
  fs::create_directories(out);
  // Runs of other settings in one table would be a lie.
  const fs::path file = out / "settings.json";
  const std::string text = to_json(settings).dump(2) + "\n";
  if (fs::exists(file) && read_file(file) != text)
    throw Error(fmt::format("{} holds a study of other settings: choose another folder", out.string()));
  write_file(file, text);
  return Study(settings, out, status, stop).run();
}

}  // namespace secgan
