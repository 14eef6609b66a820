#include "study/study_report.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "io/json.hpp"
#include "report/markdown.hpp"
#include "secgan/editing/preview.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/io/file.hpp"
#include "secgan/report/html.hpp"

namespace secgan {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// A run whose edits the judge finds less often than a coin would has not taken off.
constexpr double kStalled = 0.5;

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

/// The recipe of the runs, in words: what differs from that of `secgan train --small`.
std::string recipe(const SecganStepOptions& losses) {
  std::string out = "the recipe of `secgan train --small`";
  const Json chosen = detail::to_json(losses);
  for (const auto& change : Json::diff(detail::to_json(small_scale_recipe().losses), chosen)) {
    std::string path = change["path"].get<std::string>().substr(1);
    std::ranges::replace(path, '/', '.');
    out += fmt::format(", {} {}", path, change["value"].dump());
  }
  return out;
}

class StudyReport {
 public:
  explicit StudyReport(const StudyResults& results) : results_(results) {}

  std::string write(const Dataset& unseen, const fs::path& out) const {
    const Page p = page();
    std::string markdown = fmt::format("# {}\n\n{}\n\n{}\n", p.title, p.intro, markdown_table(p.header, p.rows));
    markdown += fmt::format("## Differences\n\n{}\n{}\n", markdown_table(difference_header(), p.differences), p.words);
    markdown += fmt::format("## TARR by attribute\n\n{}", markdown_table(p.recognition_header, p.recognition));
    write_file(out / "report.md", markdown);

    std::string body = fmt::format("<h1>{}</h1>\n<p class=\"soft\">{}</p>\n", p.title, html_text(p.intro)) + html_table(p.header, p.rows);
    body += "<h2>Differences</h2>\n" + html_table(difference_header(), p.differences) + "<p>" + html_text(p.words) + "</p>\n";
    body += "<h2>TARR by attribute</h2>\n" + html_table(p.recognition_header, p.recognition) + "<h2>The same faces, first seed</h2>\n";
    for (const std::string& backbone : results_.settings.backbones) {
      for (const StudyVariant& variant : results_.variants.at(backbone)) {
        Bundle shown = results_.runs.at({backbone, variant.key}).front().bundle;
        shown.mask_generator = Generator(nullptr);
        const at::Tensor grid = example_grid(shown, unseen, 5);
        body += html_picture(encode_png(grid), fmt::format("{}, {}. {}", backbone, variant.title, kExampleGridCaption),
                             static_cast<int>(grid.size(2)));
      }
    }
    write_file(out / "report.html", html_page(p.title, body));

    Json json{{"secgan_study", 1},
              {"settings", detail::to_json(results_.settings)},
              {"protocol", results_.runs.begin()->second.front().evaluation.hash}};
    for (const auto& [key, runs] : results_.runs) {
      for (const StudyRun& run : runs) {
        Json metrics = Json::object();
        for (const auto& [name, value] : run.metrics) metrics[name] = value;
        json["runs"][key.first][key.second].push_back({{"figures", metrics}, {"tarr", run.recognition}});
      }
    }
    for (const auto& [key, cost] : results_.costs)
      json["costs"][key.first][key.second] = {{"seconds_per_step", cost.seconds_per_step}, {"memory_bytes", cost.memory}};
    write_file(out / "report.json", json.dump(2) + "\n");
    return p.words;
  }

 private:
  std::vector<double> values(const StudyResults::Key& key, const std::string& metric) const {
    std::vector<double> out;
    for (const StudyRun& run : results_.runs.at(key)) {
      if (const auto found = run.metrics.find(metric); found != run.metrics.end()) out.push_back(found->second);
    }
    return out;
  }

  /// Metric of one variant minus another's, seed by seed.
  Spread difference(const std::string& backbone, const std::string& a, const std::string& b, const std::string& metric) const {
    const std::vector<double> x = values({backbone, a}, metric), y = values({backbone, b}, metric);
    std::vector<double> out;
    for (size_t k = 0; k < std::min(x.size(), y.size()); ++k) out.push_back(x[k] - y[k]);
    return out.empty() ? Spread{} : spread_of(out);
  }

  static std::string cell(const Spread& spread, int digits) {
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
        "Drawn faces of {} px, {} to train on, {} unseen for the metrics; {} a run, {} a variant, {}. "
        "One parser, one judge and one feature network for all runs. ± is the standard deviation over seeds; differences are taken seed by "
        "seed, ± half of Student's 95 % interval. "
        "TARR: every attribute flipped in turn at strength 1. Distance: Fréchet distance between photos and edits in the features of "
        "another classifier, trained with another seed than the judge. "
        "Seconds per step: median of {}, variants in turns, {}. Memory: what networks, optimizers, averages, parser, judge "
        "and a step hold at their peak.",
        results_.settings.image_size, results_.settings.faces, results_.settings.unseen,
        counted(results_.settings.steps, "generator update"), counted(results_.settings.seeds, "seed"), recipe(results_.settings.losses),
        counted(results_.settings.timing_rounds, "step"), counted(at::get_num_threads(), "thread"));
    out.header = {
        "Backbone", "Variant", "TARR",       "by seed", "Others stay", "Change outside", "Distance", "PSNR, dB", "Agrees with mask branch",
        "s / step", "Cost",    "Memory, MiB"};
    out.recognition_header = {"Backbone", "Variant"};
    for (const auto& [attribute, value] : results_.runs.begin()->second.front().recognition) out.recognition_header.push_back(attribute);
    for (const std::string& backbone : results_.settings.backbones) {
      for (const StudyVariant& variant : results_.variants.at(backbone)) add_variant(out, backbone, variant);
      add_difference(out, backbone, "sc", "sc0", "λ_sc above 0 against λ_sc 0");
      add_difference(out, backbone, "sc", "plain", "the whole against the photo branch alone, equal steps");
      if (results_.settings.same_time) {
        add_difference(out, backbone, "sc", "plain-time", "the whole against the photo branch alone, equal time");
      }
    }
    return out;
  }

  /// A variant's rows in the tables of metrics and of recognition; a sentence where runs stalled.
  void add_variant(Page& page, const std::string& backbone, const StudyVariant& variant) const {
    const StudyResults::Key key{backbone, variant.key};
    std::vector<std::string> row{backbone, variant.title};
    for (const std::string metric : kStudyMetrics) {
      const std::vector<double> all = values(key, metric);
      row.push_back(all.empty() ? "–" : cell(spread_of(all), digits(metric)));
      if (metric != "tarr") continue;
      std::vector<std::string> single;
      for (const double value : all) single.push_back(fmt::format("{:.3f}", value));
      row.push_back(fmt::format("{}", fmt::join(single, ", ")));
      const auto stalled = std::ranges::count_if(all, [](double value) { return value < kStalled; });
      if (stalled > 0) {
        page.words += fmt::format("{}, {}: {} of {} stalled, TARR below {:g}.\n", backbone, variant.title, stalled,
                                  counted(all.size(), "run"), kStalled);
      }
    }
    const double plain = results_.costs.at({backbone, "plain"}).seconds_per_step;
    const StudyCost cost = results_.costs.at({backbone, variant.key == "plain-time" ? "plain" : variant.key});
    row.push_back(fmt::format("{:.3f}", cost.seconds_per_step));
    row.push_back(fmt::format("{:.2f}", cost.seconds_per_step / plain * variant.length));
    row.push_back(fmt::format("{:.0f}", cost.memory / (1 << 20)));
    page.rows.push_back(std::move(row));

    std::vector<std::string> found{backbone, variant.title};
    for (const auto& [attribute, value] : results_.runs.at(key).front().recognition) {
      std::vector<double> all;
      for (const StudyRun& run : results_.runs.at(key)) all.push_back(run.recognition.at(attribute));
      found.push_back(fmt::format("{:.3f}", spread_of(all).mean));
    }
    page.recognition.push_back(std::move(found));
  }

  /// The row of a minus b, and what it says of TARR.
  void add_difference(Page& page, const std::string& backbone, const std::string& a, const std::string& b, const std::string& what) const {
    std::vector<std::string> row{backbone, what};
    for (const std::string metric : kStudyMetrics) {
      const Spread d = difference(backbone, a, b, metric);
      std::string text = d.count == 0 ? "–" : fmt::format("{:+.{}f}", d.mean, digits(metric));
      if (d.count >= 2) text += fmt::format(" ± {:.{}f}", half_width(d), digits(metric));
      row.push_back(std::move(text));
    }
    page.differences.push_back(std::move(row));
    page.words += verdict(backbone, a, b, what) + "\n";
  }

  static std::vector<std::string> difference_header() {
    return {"Backbone", "Difference", "TARR", "Others stay", "Change outside", "Distance", "PSNR, dB", "Agrees with mask branch"};
  }

  const StudyResults& results_;
};

}  // namespace

std::string write_study(const StudyResults& results, const Dataset& unseen, const fs::path& out) {
  return StudyReport(results).write(unseen, out);
}

}  // namespace secgan
