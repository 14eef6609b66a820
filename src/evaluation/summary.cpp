#include "evaluation/summary.hpp"

#include <ATen/Parallel.h>

#include <chrono>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "evaluation/process.hpp"
#include "nn/inputs.hpp"
#include "secgan/core/random.hpp"
#include "secgan/metrics/agreement.hpp"

namespace secgan {
namespace {

/// Scores that ratios are made of, [N, F]; undefined where they were not measured.
struct Counts {
  at::Tensor asked, found, adding, removing, added, removed, kept, keepable, outside, outside_pixels, identity;

  explicit Counts(const PhotoScores& scores) {
    const auto read = [](const Rows& rows) { return rows.empty() ? at::Tensor() : rows.doubles(); };
    asked = read(scores.asked), found = read(scores.found), kept = read(scores.kept), keepable = read(scores.keepable);
    outside = read(scores.outside), outside_pixels = read(scores.outside_pixels), identity = read(scores.identity);
    adding = read(scores.adding);
    if (adding.defined()) removing = 1 - adding, added = found * adding, removed = found * removing;
  }
};

class MetricSummary {
 public:
  MetricSummary(Subject& subject, const PhotoScores& scores)
      : subject_(subject),
        scores_(scores),
        counts_(scores),
        bootstrap_(subject.photos, subject.protocol.resamples, mix_seed(subject.protocol.seed, RandomPurpose::kResampling),
                   subject.protocol.level),
        distribution_bootstrap_(subject.photos, subject.protocol.distribution_resamples,
                                mix_seed(subject.protocol.seed, RandomPurpose::kResampling), subject.protocol.level) {}

  std::vector<Metric> overall() {
    recognition();
    reconstruction();
    distributions();
    parses();
    costs();
    return std::move(metrics_);
  }

  /// Of the f-th flipped attribute.
  std::vector<Metric> of_attribute(int64_t f) const {
    const Counts& c = counts_;
    std::vector<Metric> out;
    const auto add = [&](const char* key, const char* title, const at::Tensor& numerators, const at::Tensor& denominators, int digits = 3) {
      const at::Tensor number = numerators.select(1, f), of = denominators.select(1, f);
      Metric metric{key, title, "", digits, {}, "no photo asks for it"};
      if (of.sum().item<double>() > 0) metric.measured = bootstrap_.ratio(number, of), metric.missing.clear();
      out.push_back(std::move(metric));
    };
    add("tarr", "TARR", c.found, c.asked);
    add("tarr_add", "added", c.added, c.adding);
    add("tarr_remove", "removed", c.removed, c.removing);
    add("preservation", "others stay", c.kept, c.keepable);
    if (c.outside.defined()) add("change_outside", "change outside", c.outside, c.outside_pixels, 4);
    if (c.identity.defined()) add("identity_cosine", "identity", c.identity, at::ones_like(c.identity));
    const at::Tensor right = scores_.right.doubles().select(1, subject_.flipped[static_cast<size_t>(f)]);
    out.push_back({"classifier_accuracy", "classifier's accuracy", "", 3, bootstrap_.mean(right), ""});
    return out;
  }

 private:
  /// @param there    false: not measured, because `missing`
  /// @param measure  gives the interval
  template <class Measure>
  void add(std::string key, std::string title, std::string unit, int digits, bool there, const Measure& measure, std::string missing) {
    Metric metric{std::move(key), std::move(title), std::move(unit), digits, {}, {}};
    if (there) {
      metric.measured = measure();
    } else {
      metric.missing = std::move(missing);
    }
    metrics_.push_back(std::move(metric));
  }

  std::string why_no_edits() const { return std::string(subject_.why_no_edits()); }
  std::string why_no_edits_parsed() const { return subject_.edits ? kNoParser : why_no_edits(); }

  void recognition() {
    const Counts& c = counts_;
    const auto ratio = [&](const char* key, const char* title, const at::Tensor& numerators, const at::Tensor& denominators) {
      add(key, title, "", 3, subject_.edits, [&] { return bootstrap_.mean_ratio(numerators, denominators); }, why_no_edits());
    };
    const auto both = [&](const at::Tensor& a, const at::Tensor& b) { return subject_.edits ? at::cat({a, b}, 1) : at::Tensor(); };
    ratio("tarr", "TARR, target attribute recognition rate", c.found, c.asked);
    ratio("tarr_add", "TARR where the attribute was added", c.added, c.adding);
    ratio("tarr_remove", "TARR where it was removed", c.removed, c.removing);
    ratio("tarr_balanced", "TARR, mean of all sides", both(c.added, c.removed), both(c.adding, c.removing));
    ratio("preservation", "attributes not asked for that stay", c.kept, c.keepable);
    add(
        "change_outside", "mean change outside the attribute's region, of a range of 2", "", 4, c.outside.defined(),
        [&] { return bootstrap_.mean_ratio(c.outside, c.outside_pixels); }, why_no_edits_parsed());
    add(
        "classifier_accuracy", "the classifier's own accuracy on the photos", "", 3, !scores_.right.empty(),
        [&] { return mean(scores_.right.doubles()); }, "there is no classifier");
  }

  void reconstruction() {
    const auto mean_of = [&](const char* key, const char* title, const char* unit, int digits, const Rows& rows) {
      add(key, title, unit, digits, !rows.empty(), [&] { return bootstrap_.mean(rows.doubles()); }, kNoGenerator);
    };
    mean_of("psnr", "PSNR of the reconstruction", "dB", 2, scores_.psnr);
    mean_of("ssim", "SSIM of the reconstruction", "", 4, scores_.ssim);
    mean_of("l1", "mean absolute error of the reconstruction, of a range of 2", "", 4, scores_.l1);
  }

  void distributions() {
    const EvaluationProtocol& protocol = subject_.protocol;
    const Judges& judges = subject_.judges;
    const Bootstrap& bootstrap = distribution_bootstrap_;
    const ExtractedFeatures *inception = seen_by(judges.inception), *swav = seen_by(judges.swav), *other = seen_by(judges.other);
    const auto missing = [&](const char* flag) {
      return subject_.edits ? fmt::format("no weights were given ({})", flag) : why_no_edits();
    };
    add(
        "fid", "FID of the edits, Inception v3", "", 2, inception != nullptr, [&] { return frechet_interval(*inception, bootstrap); },
        missing("--inception"));
    add(
        "ssfid", "ssFID of the edits, SwAV ResNet-50", "", 3, swav != nullptr, [&] { return frechet_interval(*swav, bootstrap); },
        missing("--swav"));
    add(
        "kid", "KID of the edits, Inception v3", "", 5, inception != nullptr,
        [&] { return kernel_interval(*inception, bootstrap, protocol); }, missing("--inception"));
    add(
        "is", "Inception Score of the edits", "", 3, inception != nullptr && !inception->edit_logits.empty(),
        [&] { return score_interval(*inception, bootstrap, protocol); },
        inception ? "the weights have no classifier layer" : missing("--inception"));
    if (!other) return;
    add("frechet_" + other->extractor->name, fmt::format("Fréchet distance of the edits in the features of {}", other->extractor->name), "",
        3, true, [&] { return frechet_interval(*other, bootstrap); }, {});
  }

  void parses() {
    const auto agreement = [&](const char* key, const char* title, const Rows& pairs, const auto& measure, std::string missing) {
      add(key, title, "", 3, !pairs.empty(), [&] { return confusion_interval(bootstrap_, pairs.doubles(), measure); }, std::move(missing));
    };
    const std::string no_branch = subject_.edits && subject_.parser ? "the bundle has no mask generator" : why_no_edits_parsed();
    agreement("branch_miou", "edits parsed against the mask branch's edits: mean IoU", scores_.branch_pairs, mean_intersection_over_union,
              no_branch);
    agreement("branch_accuracy", "the same: pixel accuracy", scores_.branch_pairs, pixel_accuracy, no_branch);
    agreement("parser_miou", "the parser's mean IoU against the data set's masks", scores_.parse_pairs, mean_intersection_over_union,
              subject_.parser ? "the data set has no masks" : kNoParser);
    add(
        "identity_cosine", "cosine of the identity embedding, photo against edit", "", 3, counts_.identity.defined(),
        [&] { return mean(counts_.identity); }, subject_.edits ? "no embedding network was given" : why_no_edits());
  }

  void costs() {
    add(
        "milliseconds_per_photo", fmt::format("time of one edit, photo by photo, {}", counted(at::get_num_threads(), "thread")), "ms", 2,
        !subject_.generator.is_empty(), [&] { return edit_time(); }, kNoGenerator);
    const double peak = static_cast<double>(peak_memory_bytes()) / (1 << 20);
    add("peak_memory", "peak memory of the process", "MiB", 0, true, [&] { return Interval{peak, peak, peak, 1}; }, {});
  }

  /// Mean over columns of the means over photos.
  Interval mean(const at::Tensor& values) const { return bootstrap_.mean_ratio(values, at::ones_like(values)); }

  const ExtractedFeatures* seen_by(const std::optional<FeatureExtractor>& extractor) const {
    for (const ExtractedFeatures& view : scores_.seen) {
      if (extractor && view.extractor == &*extractor) return &view;
    }
    return nullptr;
  }

  /// Median over some photos; the interval is the bootstrap of that median.
  Interval edit_time() {
    constexpr int64_t kPhotos = 30, kWarm = 3;
    std::vector<double> times;
    const at::Tensor condition = to_network(at::zeros({1, subject_.generator->spec().attributes}), *subject_.generator);
    for (int64_t i = 0; i < kPhotos + kWarm; ++i) {
      const at::Tensor photo = network_input(subject_.data.get(i % subject_.photos).image);
      const auto begin = std::chrono::steady_clock::now();
      // There and back, so that a GPU has done it.
      subject_.generator->forward(to_network(photo, *subject_.generator), condition).cpu();
      const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
      if (i >= kWarm) times.push_back(taken.count());
    }
    const at::Tensor all = at::tensor(times, at::kDouble);
    const at::Tensor draws = at::randint(kPhotos, {subject_.protocol.resamples, kPhotos},
                                         seeded_generator(mix_seed(subject_.protocol.seed, RandomPurpose::kTiming)), at::kLong);
    const at::Tensor medians = std::get<0>(all.index_select(0, draws.flatten()).view(draws.sizes()).median(1));
    return bootstrap_.interval(all.median().item<double>(), medians, kPhotos);
  }

  static constexpr const char* kNoGenerator = "the bundle has no generator";
  static constexpr const char* kNoParser = "the bundle has no parser";

  Subject& subject_;
  const PhotoScores& scores_;
  const Counts counts_;
  const Bootstrap bootstrap_, distribution_bootstrap_;
  std::vector<Metric> metrics_;
};

}  // namespace

void add_metrics(Subject& subject, const PhotoScores& scores, Evaluation& out) {
  MetricSummary metrics(subject, scores);
  out.metrics = metrics.overall();
  if (!scores.parse_pairs.empty()) {
    out.parser_iou = MaskAgreement(scores.parse_pairs.all().sum(0)).iou();
  }
  if (!subject.edits) return;
  for (size_t f = 0; f < subject.flipped.size(); ++f) {
    out.attributes.push_back(
        {subject.schema.names()[static_cast<size_t>(subject.flipped[f])], metrics.of_attribute(static_cast<int64_t>(f))});
  }
}

}  // namespace secgan
