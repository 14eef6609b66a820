#include "cli/demo_report.hpp"

#include <ATen/ATen.h>

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "cli/printing.hpp"
#include "core/counted.hpp"
#include "core/format.hpp"
#include "core/processor.hpp"
#include "nn/inputs.hpp"
#include "secgan/editing/preview.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/image/labels.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/io/file.hpp"
#include "secgan/report/html.hpp"
#include "secgan/training/recorder.hpp"
#include "secgan/version.hpp"

namespace secgan::cli {
namespace {

struct Goal {
  const char* name;
  const char* key;
  double value;
  double at_least;
  int digits;
};

std::string curves(const std::filesystem::path& run, const std::string& title,
                   const std::vector<std::pair<std::string, std::string>>& metrics) {
  std::vector<ChartSeries> series;
  for (const auto& [label, name] : metrics) {
    LogSeries log = read_log(run, name);
    series.push_back({label, std::move(log.steps), std::move(log.values)});
  }
  return html_line_chart(title, "step", series);
}

std::string edit_pictures(const DemoResult& result) {
  const at::Tensor grid = example_grid(result.bundle, *result.unseen, 8);
  return html_picture(encode_png(grid), kExampleGridCaption, static_cast<int>(grid.size(2))) +
         html_legend(class_names(Labels::kSecgan12), class_palette(Labels::kSecgan12));
}

std::string slider_pictures(const DemoResult& result) {
  const Sample sample = result.unseen->get(9);
  Generator generator = result.bundle.generator;
  const at::Tensor photo = to_network(to_float(sample.image).unsqueeze(0), *generator);
  at::NoGradGuard no_grad;
  const std::vector<std::string> names{"Eyeglasses", "Mouth_Slightly_Open", "Pale_Skin"};
  std::vector<std::vector<at::Tensor>> rows;
  std::vector<std::string> columns{"photo"}, signed_names;
  for (const std::string& name : names) {
    const int64_t a = result.unseen->attributes().index(name);
    const double sign = sample.labels[a].item<float>() > 0.5 ? -1 : 1;
    std::vector<at::Tensor> row{sample.image};
    for (const double strength : {0.25, 0.5, 0.75, 1.0, 1.25, 1.5}) {
      at::Tensor difference = at::zeros({1, result.unseen->attributes().size()});
      difference[0][a] = sign * strength;
      const at::Tensor condition = to_network(result.bundle.condition(sample.labels.unsqueeze(0), difference), *generator);
      row.push_back(to_bytes(generator->forward(photo, condition)).cpu()[0]);
      if (rows.empty()) columns.push_back(fmt::format("{:g}", strength));
    }
    rows.push_back(row);
    signed_names.push_back((sign > 0 ? "+ " : "- ") + name);
  }
  const at::Tensor grid = labeled_grid(rows, columns, signed_names);
  return html_picture(encode_png(grid), "Strength as a slider: the photo, then an attribute added (+) or removed (-) by 0.25 to 1.5.",
                      static_cast<int>(grid.size(2)));
}

/// "AMD EPYC 7B13, 2 threads, LibTorch 2.13.0, secgan 0.1.0"
std::string machine() {
  return fmt::format("{}, {}, LibTorch {}, secgan {}", processor_name(), counted(at::get_num_threads(), "thread"), TORCH_VERSION, kVersion);
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm date{};
  ::gmtime_r(&now, &date);
  return fmt::format("{:04}-{:02}-{:02}", date.tm_year + 1900, date.tm_mon + 1, date.tm_mday);
}

/// What to do with what is there now.
std::string next_steps(const std::filesystem::path& folder) {
  const std::string bundle = (folder / "secgan" / "bundle").string(), photos = (folder / "photos").string();
  return html_text(
      fmt::format("Edit the faces that lie in `{1}`: `secgan edit {0} {1}/*.png --set Eyeglasses=+1 --out edited`\nSee what the bundle can "
                  "do: `secgan attributes {0}`\nMeasure it on more faces: `secgan evaluate {0} --data synthetic --out evaluation`\n"
                  "Train on photos: `secgan train --help`",
                  bundle, photos));
}

}  // namespace

bool write_demo_report(const DemoResult& result) {
  const Evaluation& e = result.evaluation;
  double worst = 1;
  for (const auto& [attribute, metrics] : e.attributes) {
    for (const Metric& metric : metrics) {
      if (metric.key == "classifier_accuracy") worst = std::min(worst, metric.measured->value);
    }
  }
  const std::vector<Goal> goals = {{"Classifier accuracy, worst attribute", "classifier_accuracy_min", worst, 0.98, 3},
                                   {"Parser mean IoU", "parser_mean_iou", e.value("parser_miou"), 0.85, 3},
                                   {"TARR, every attribute flipped in turn", "tarr", e.value("tarr"), 0.93, 3},
                                   {"Reconstruction PSNR, dB", "reconstruction_psnr_db", e.value("psnr"), 25, 2}};
  bool reached = true;
  nlohmann::ordered_json json;
  std::vector<std::vector<std::string>> goal_rows;
  for (const Goal& goal : goals) {
    const bool holds = goal.value >= goal.at_least;
    reached = reached && holds;
    json["figures"][goal.key] = goal.value;
    json["goals"][goal.key] = goal.at_least;
    goal_rows.push_back({goal.name, fmt::format("{:.{}f}", goal.value, goal.digits), fmt::format("at least {:g}", goal.at_least),
                         holds ? "reached" : "missed"});
    say("{:40} {:>8}   goal: at least {:g}, {}", goal.name, goal_rows.back()[1], goal.at_least, holds ? "reached" : "missed");
  }
  json["reached"] = reached;
  json["unseen_photos"] = e.photos;
  json["image_size"] = result.bundle.info.image_size;

  std::vector<std::string> header{"Attribute"};
  for (const Metric& metric : e.attributes.front().metrics) header.push_back(metric.title);
  std::vector<std::vector<std::string>> rows;
  for (const auto& [attribute, metrics] : e.attributes) {
    rows.push_back({attribute});
    for (const Metric& metric : metrics) {
      rows.back().push_back(metric.measured ? fmt::format("{:.{}f}", metric.measured->value, metric.digits) : "–");
      if (metric.measured) json["attributes"][attribute][metric.key] = metric.measured->value;
    }
  }
  std::vector<std::vector<std::string>> classes;
  for (size_t c = 0; c < e.parser_iou.size(); ++c) {
    classes.push_back({class_names(Labels::kSecgan12)[c], fmt::format("{:.3f}", e.parser_iou[c])});
    json["iou"][class_names(Labels::kSecgan12)[c]] = e.parser_iou[c];
  }
  std::vector<std::vector<std::string>> times;
  for (const auto& [name, seconds] : result.seconds) {
    times.push_back({name, fmt::format("{:.0f}", seconds)});
    json["seconds"][name] = seconds;
  }

  const std::filesystem::path run = result.folder / "secgan";
  std::string body =
      "<h1>SeCGAN on drawn faces</h1>\n<p class=\"soft\">Everything here was made by one run of <code>secgan demo</code>: faces "
      "drawn with their true masks, a parser and a classifier trained on them, and the two branches of SeCGAN. "
      "The metrics and pictures are of faces that no network saw in training.</p>\n";
  body += fmt::format("<p class=\"soft\">{}, seed {}, {}</p>\n", today(), result.seed, html_escape(machine()));
  body += html_table({"Metric", "Value", "Goal", ""}, goal_rows);
  body += "<h2>Edits of unseen faces</h2>\n" + edit_pictures(result) + slider_pictures(result);
  body +=
      "<h2>Per attribute</h2>\n<p>TARR: share of edits in which the independent classifier finds what was asked for, in all, "
      "where the attribute was added, and where it was removed. Others stay: share of the other attributes that it still sees as before. "
      "Change outside: mean change (of a range of 2) of pixels that the attribute has no business with.</p>\n";
  body += html_table(header, rows);
  body += "<h2>Training</h2>\n<div class=\"charts\">\n";
  body += curves(run, "Critic: E[D(fake)] − E[D(real)]",
                 {{"photo", "photo/discriminator/adversarial"}, {"mask", "mask/discriminator/adversarial"}});
  body += curves(run, "Attributes: cross-entropy",
                 {{"D on photos", "photo/discriminator/attribute"},
                  {"G of photos", "photo/generator/attribute"},
                  {"D on masks", "mask/discriminator/attribute"},
                  {"G of masks", "mask/generator/attribute"}});
  body += curves(run, "Semantic consistency",
                 {{"photo", "photo/generator/semantic_consistency"}, {"mask", "mask/generator/semantic_consistency"}});
  body += curves(run, "Reconstruction",
                 {{"photo (L1)", "photo/generator/reconstruction"}, {"mask (cross-entropy)", "mask/generator/reconstruction"}});
  body += curves(result.folder / "parser", "Parser: cross-entropy", {{"training", "cross_entropy"}});
  body += curves(result.folder / "classifier", "Classifier: cross-entropy", {{"training", "cross_entropy"}});
  body += "</div>\n<h2>Parser, per class</h2>\n" + html_table({"Class", "IoU"}, classes);
  body += "<h2>Time</h2>\n" + html_table({"Stage", "Seconds"}, times);
  body += "<h2>Next</h2>\n<p>" + next_steps(result.folder) + "</p>\n";
  write_file(result.folder / "report.html", html_page("SeCGAN on drawn faces", body));
  write_file(result.folder / "report.json", json.dump(2) + "\n");
  say("report: {}", (result.folder / "report.html").string());
  return reached;
}

}  // namespace secgan::cli
