#include "study/study_report.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <tuple>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "io/json.hpp"
#include "report/markdown.hpp"
#include "secgan/editing/preview.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/io/file.hpp"
#include "secgan/report/html.hpp"
#include "study/difference.hpp"

namespace secgan {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// A run whose edits the judge finds less often than a coin would has not taken off.
constexpr double kStalled = 0.5;

/// The recipe of the runs, in words: what differs from that of `secgan train --small`.
std::string recipe(const StudySettings& settings) {
  std::string out = "the recipe of `secgan train --small`";
  const Json chosen = detail::to_json(settings.losses);
  for (const auto& change : Json::diff(detail::to_json(settings.recipe().losses), chosen)) {
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
    markdown += fmt::format("## Differences of TARR by attribute\n\n{}\n", markdown_table(p.by_attribute_header, p.by_attribute));
    markdown += fmt::format("## TARR by attribute\n\n{}", markdown_table(p.recognition_header, p.recognition));
    write_file(out / "report.md", markdown);

    std::string body = fmt::format("<h1>{}</h1>\n<p class=\"soft\">{}</p>\n", p.title, html_text(p.intro)) + html_table(p.header, p.rows);
    body += "<h2>Differences</h2>\n" + html_table(difference_header(), p.differences) + "<p>" + html_text(p.words) + "</p>\n";
    body += "<h2>Differences of TARR by attribute</h2>\n" + html_table(p.by_attribute_header, p.by_attribute);
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
        for (const auto& [name, metric] : run.metrics) metrics[name] = metric.value;
        Json recognition = Json::object();
        for (const AttributeMetrics& of : run.evaluation.attributes) recognition[of.attribute] = tarr(of).value;
        json["runs"][key.first][key.second].push_back({{"figures", metrics}, {"tarr", recognition}});
      }
    }
    for (const auto& [key, cost] : results_.costs)
      json["costs"][key.first][key.second] = {{"seconds_per_step", cost.seconds_per_step}, {"memory_bytes", cost.memory}};
    write_file(out / "report.json", json.dump(2) + "\n");
    return p.words;
  }

 private:
  static const Interval& tarr(const AttributeMetrics& of) { return *of.metrics.front().measured; }

  /// By seed.
  std::vector<Interval> values(const StudyResults::Key& key, const std::string& metric) const {
    std::vector<Interval> out;
    for (const StudyRun& run : results_.runs.at(key)) {
      if (const auto found = run.metrics.find(metric); found != run.metrics.end()) out.push_back(found->second);
    }
    return out;
  }

  /// TARR by seed, mean over attributes.
  std::vector<Interval> recognition(const StudyResults::Key& key, const std::vector<std::string>& attributes) const {
    std::vector<Interval> out;
    for (const StudyRun& run : results_.runs.at(key)) {
      std::vector<Interval> each;
      for (const AttributeMetrics& of : run.evaluation.attributes) {
        if (std::ranges::count(attributes, of.attribute) > 0) each.push_back(tarr(of));
      }
      out.push_back(mean_of(each));
    }
    return out;
  }

  static Spread spread_over(const std::vector<Interval>& metrics) {
    std::vector<double> out;
    for (const Interval& metric : metrics) out.push_back(metric.value);
    return spread_of(out);
  }

  /// "+0.038 ± 0.004 [+0.031, +0.046]": mean over seeds, Student's interval over them, the bootstrap's over photos.
  static std::string cell(const Difference& d, int digits) {
    if (d.seeds.count == 0) return "–";
    std::string text = fmt::format("{:+.{}f}", d.seeds.mean, digits);
    if (d.seeds.count >= 2) text += fmt::format(" ± {:.{}f}", half_width(d.seeds), digits);
    if (std::isfinite(d.low)) text += fmt::format(" [{:+.{}f}, {:+.{}f}]", d.low, digits, d.high, digits);
    return text;
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
    std::vector<std::vector<std::string>> rows, differences, by_attribute, recognition;
    std::vector<std::string> by_attribute_header, recognition_header;
  };

  /// What a difference shows, in words.
  static std::string verdict(const std::string& backbone, const Spread& d, const std::string& what) {
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
        "Faces ({}) of {} px, at most {} to train on, {} of the {} split for the metrics; {} a run, {} a variant, {}. "
        "One parser, one judge and one feature network for all runs. ± is the standard deviation over seeds; differences are taken seed by "
        "seed, ± half of Student's 95 % interval, and photo by photo, [95 % interval of the bootstrap over photos]. "
        "TARR: every attribute flipped in turn at strength 1. Distance: Fréchet distance between photos and edits in the features of "
        "another classifier, trained with another seed than the judge. "
        "Seconds per step: median of {}, variants in turns, {}. Memory: what networks, optimizers, averages, parser, judge "
        "and a step hold at their peak.",
        results_.settings.source.title(), results_.settings.image_size, results_.settings.faces,
        results_.runs.begin()->second.front().evaluation.photos, name_of(kSplits, results_.settings.split),
        counted(results_.settings.steps, "generator update"), counted(results_.settings.seeds, "seed"), recipe(results_.settings),
        counted(results_.settings.timing_rounds, "step"), counted(at::get_num_threads(), "thread"));
    out.header = {
        "Backbone", "Variant", "TARR",       "by seed", "Others stay", "Change outside", "Distance", "PSNR, dB", "Agrees with mask branch",
        "s / step", "Cost",    "Memory, MiB"};
    const Evaluation& first = results_.runs.begin()->second.front().evaluation;
    out.recognition_header = {"Backbone", "Variant"};
    std::vector<std::string> judge{"", "the judge, right on photos"};
    for (const AttributeMetrics& of : first.attributes) {
      out.recognition_header.push_back(of.attribute);
      judge.push_back(fmt::format("{:.3f}", of.metrics.back().measured->value));
    }
    out.recognition.push_back(std::move(judge));
    out.by_attribute_header = {"TARR of", "Backbone"};
    for (const Comparison& c : comparisons()) out.by_attribute_header.emplace_back(c.title);
    for (const std::string& backbone : results_.settings.backbones) {
      for (const StudyVariant& variant : results_.variants.at(backbone)) add_variant(out, backbone, variant);
      for (const Comparison& c : kComparisons) add_difference(out, backbone, c);
    }
    add_attributes(out, first);
    return out;
  }

  /// A variant's rows in the tables of metrics and of recognition; a sentence where runs stalled.
  void add_variant(Page& page, const std::string& backbone, const StudyVariant& variant) const {
    const StudyResults::Key key{backbone, variant.key};
    std::vector<std::string> row{backbone, variant.title};
    for (const std::string metric : kStudyMetrics) {
      const std::vector<Interval> all = values(key, metric);
      row.push_back(all.empty() ? "–" : cell(spread_over(all), digits(metric)));
      if (metric != "tarr") continue;
      std::vector<std::string> single;
      for (const Interval& of : all) single.push_back(fmt::format("{:.3f}", of.value));
      row.push_back(fmt::format("{}", fmt::join(single, ", ")));
      const auto stalled = std::ranges::count_if(all, [](const Interval& of) { return of.value < kStalled; });
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
    for (const AttributeMetrics& of : results_.runs.at(key).front().evaluation.attributes) {
      found.push_back(fmt::format("{:.3f}", spread_over(recognition(key, {of.attribute})).mean));
    }
    page.recognition.push_back(std::move(found));
  }

  /// What is compared, a minus b.
  struct Comparison {
    const char *a, *b, *title;
  };
  static constexpr std::array<Comparison, 3> kComparisons{{
      {"sc", "sc0", "λ_sc above 0 against λ_sc 0"},
      {"sc", "plain", "the whole against the photo branch alone, equal steps"},
      {"sc", "plain-time", "the whole against the photo branch alone, equal time"},
  }};

  bool has(const std::string& backbone, const Comparison& c) const {
    return results_.runs.contains({backbone, c.a}) && results_.runs.contains({backbone, c.b});
  }

  /// Those that any backbone's runs allow.
  std::vector<Comparison> comparisons() const {
    std::vector<Comparison> out;
    std::ranges::copy_if(kComparisons, std::back_inserter(out), [&](const Comparison& c) {
      return std::ranges::any_of(results_.settings.backbones, [&](const std::string& backbone) { return has(backbone, c); });
    });
    return out;
  }

  /// The row of a minus b, and what it says of TARR.
  void add_difference(Page& page, const std::string& backbone, const Comparison& c) const {
    if (!has(backbone, c)) return;
    std::vector<std::string> row{backbone, c.title};
    for (const std::string metric : kStudyMetrics) {
      const Difference d = difference_of(values({backbone, c.a}, metric), values({backbone, c.b}, metric));
      row.push_back(cell(d, digits(metric)));
      if (metric == "tarr") page.words += verdict(backbone, d.seeds, c.title) + "\n";
    }
    page.differences.push_back(std::move(row));
  }

  /// Rows of differences of TARR: those that masks show, those that they do not, and each.
  void add_attributes(Page& page, const Evaluation& evaluation) const {
    std::vector<std::string> shown, hidden;
    for (const AttributeMetrics& of : evaluation.attributes) {
      (std::ranges::count(results_.settings.shown_by_masks, of.attribute) > 0 ? shown : hidden).push_back(of.attribute);
    }
    const auto add = [&](const std::string& title, const std::vector<std::string>& attributes) {
      if (attributes.empty()) return;
      for (const std::string& backbone : results_.settings.backbones) {
        std::vector<std::string> row{title, backbone};
        for (const Comparison& c : comparisons()) {
          row.push_back(has(backbone, c)
                            ? cell(difference_of(recognition({backbone, c.a}, attributes), recognition({backbone, c.b}, attributes)), 3)
                            : "–");
        }
        page.by_attribute.push_back(std::move(row));
      }
    };
    add(fmt::format("what masks show: mean of {}", fmt::join(shown, ", ")), shown);
    add(fmt::format("what they do not: mean of {}", fmt::join(hidden, ", ")), hidden);
    for (const std::string& name : shown) add(name, {name});
    for (const std::string& name : hidden) add(name, {name});
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
