#include "secgan/evaluation/report.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "evaluation/report_json.hpp"
#include "io/json.hpp"
#include "report/markdown.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/image/labels.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/settings.hpp"
#include "secgan/report/html.hpp"
#include "secgan/version.hpp"

namespace secgan {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kReportFormat = 1;

std::string short_hash(const std::string& hash) { return hash.substr(0, 12); }

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json metric_json(const Metric& metric, const std::string& hash) {
  if (!metric.measured) return {{"missing", metric.missing}, {"protocol", short_hash(hash)}};
  const Interval& m = *metric.measured;
  Json out{
      {"value", number(m.value)}, {"low", number(m.low)}, {"high", number(m.high)}, {"count", m.count}, {"protocol", short_hash(hash)}};
  if (!metric.unit.empty()) out["unit"] = metric.unit;
  return out;
}

using Table = std::vector<std::vector<std::string>>;

std::string with_unit(const Metric& metric) {
  return metric.unit.empty() ? metric.title : fmt::format("{}, {}", metric.title, metric.unit);
}

Table metric_rows(const Evaluation& evaluation) {
  Table rows;
  for (const Metric& metric : evaluation.metrics) {
    rows.push_back({with_unit(metric), metric.text(), metric.measured ? std::to_string(metric.measured->count) : ""});
  }
  return rows;
}

std::vector<std::string> attribute_header(const Evaluation& evaluation) {
  std::vector<std::string> header{"Attribute"};
  for (const Metric& metric : evaluation.attributes.front().metrics) header.push_back(metric.title);
  return header;
}

Table attribute_rows(const Evaluation& evaluation) {
  Table rows;
  for (const auto& [attribute, metrics] : evaluation.attributes) {
    std::vector<std::string> row{attribute};
    for (const Metric& metric : metrics) row.push_back(metric.measured ? metric.text() : "–");
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<std::string> metric_header() { return {"Metric", "Value [interval]", "Photos"}; }

std::string conditions(const Evaluation& evaluation, const ReportContext& context) {
  const EvaluationProtocol& p = evaluation.protocol;
  std::string text = fmt::format(
      "Model {} (SHA-256 {}). {} of {}, {}, crop {}. Attributes flipped in turn at strength {:g}, conflict rules {}. "
      "Intervals: {:g} % bootstrap over photos, {}. Protocol {} {}.",
      context.model, short_hash(context.model_digest), counted(evaluation.photos, "photo"), context.data,
      context.whole_data ? "all of it" : fmt::format("split {}", name_of(kSplits, p.split)), p.crop, p.strength,
      name_of(kConflictRules, p.conflicts), 100 * p.level, counted(p.resamples, "resample"), p.name, short_hash(evaluation.hash));
  for (const std::string& extractor : evaluation.pinned.extractors) text += fmt::format(" Extractor: {}.", extractor);
  return text;
}

/// What a reader must know before the figures; empty: nothing.
std::string caution(const Evaluation& evaluation) {
  if (!evaluation.judged_by_teacher) return {};
  return "The judge is the classifier that taught this generator, which learned to please it: TARR and what else the judge says shows "
         "little. Name another one (--classifier).";
}

/// Rows of pairs, a picture per attribute, with the photos' names and values above them.
std::string notable_pictures(const std::vector<NotableEdit>& edits, std::string_view what, int digits) {
  std::string out;
  for (size_t begin = 0; begin < edits.size();) {
    size_t end = begin;
    std::vector<at::Tensor> row;
    std::vector<std::string> names;
    for (; end < edits.size() && edits[end].attribute == edits[begin].attribute; ++end) {
      row.push_back(edits[end].before);
      row.push_back(edits[end].after);
      names.push_back(edits[end].photo);
      names.push_back(fmt::format("{} {:.{}f}", edits[end].adding ? "added:" : "removed:", edits[end].value, digits));
    }
    const at::Tensor grid = labeled_grid({row}, names, {});
    out +=
        html_picture(encode_png(grid), fmt::format("{}: photo and edit, {}", edits[begin].attribute, what), static_cast<int>(grid.size(2)));
    begin = end;
  }
  return out;
}

/// Adds the paths at which two JSON values differ, with both values.
void add_differences(const Json& a, const Json& b, std::vector<std::string>& to, const std::string& path = "") {
  if (a.is_object() && b.is_object()) {
    for (const auto& [key, value] : a.items()) {
      const std::string here = path.empty() ? key : path + "." + key;
      if (b.contains(key)) {
        add_differences(value, b[key], to, here);
      } else {
        to.push_back(here);
      }
    }
  } else if (a != b) {
    to.push_back(fmt::format("{} is {} and {}", path, detail::short_text(a), detail::short_text(b)));
  }
}

/// The most members that a table of it has: one that keeps their order looks through all for each.
size_t widest_table(const nlohmann::json& value) {
  size_t widest = value.is_object() ? value.size() : 0;
  if (value.is_structured()) {
    for (const auto& item : value) widest = std::max(widest, widest_table(item));
  }
  return widest;
}

/// What a table of reports takes of a metric; what a report lacks is not measured.
void check_metric(const nlohmann::json& metrics, const std::string& key, const std::string& where) {
  const nlohmann::json& metric = detail::json_object(metrics, key, where);
  const std::string place = where + ": " + key;
  for (const char* name : {"title", "unit"}) {
    if (metric.contains(name)) detail::json_text(metric, name, place);
  }
  for (const char* name : {"value", "low", "high"}) {
    if (metric.contains(name) && !metric[name].is_null()) detail::json_number(metric, name, place);
  }
  constexpr int64_t kMostDigits = 17;
  if (!metric.contains("digits")) return;
  if (const int64_t digits = detail::json_integer(metric, "digits", place); digits < 0 || digits > kMostDigits) {
    throw Error(fmt::format("{}: 'digits' must be in [0, {}], found {}", place, kMostDigits, digits));
  }
}

Json read_report(const std::filesystem::path& file) {
  const std::string where = file.string(), text = read_file(file, kMostText);
  const nlohmann::json json = detail::parse_json_file(text, where);
  for (const char* key : {"report_format", "figures", "hash", "protocol", "pinned", "model"}) {
    if (!json.is_object() || !json.contains(key)) throw Error(fmt::format("{}: not a report of secgan evaluate", where));
  }
  if (json["report_format"] != kReportFormat) {
    throw Error(fmt::format("{}: report format {} is not the one that this version reads ({})", where,
                            detail::short_text(json["report_format"]), kReportFormat));
  }
  detail::json_text(json, "hash", where);
  detail::json_object(json, "protocol", where);
  detail::json_object(json, "pinned", where);
  if (const nlohmann::json& model = detail::json_object(json, "model", where); model.contains("name"))
    detail::json_text(model, "name", where);
  const nlohmann::json& metrics = detail::json_object(json, "figures", where);
  for (const auto& [key, metric] : metrics.items()) check_metric(metrics, key, where + ": figures");
  constexpr size_t kWidest = 4096;
  if (widest_table(json) > kWidest) throw Error(fmt::format("{}: a table of more than {} values", where, kWidest));
  return Json::parse(text);  // metrics in the file's order
}

std::string cell(const Json& metrics, const std::string& key) {
  if (!metrics.contains(key) || !metrics[key].contains("value")) return "not measured";
  const Json& f = metrics[key];
  const auto digits = f.value("digits", 3);
  const auto text = [&](const char* name) {
    return f.contains(name) && f[name].is_number() ? fmt::format("{:.{}f}", f[name].get<double>(), digits) : std::string("–");
  };
  if (f.contains("count") && f["count"] == 1) return text("value");  // as Metric::text()
  return fmt::format("{} [{}, {}]", text("value"), text("low"), text("high"));
}

}  // namespace

nlohmann::ordered_json detail::report_json(const Evaluation& evaluation, const ReportContext& context) {
  Json json{
      {"report_format", kReportFormat},
      {"secgan", std::string(kVersion)},
      {"model", {{"name", context.model}, {"sha256", context.model_digest}}},
      {"data", context.data},
      {"photos", evaluation.photos},
      {"judged_by_teacher", evaluation.judged_by_teacher},
      {"hash", evaluation.hash},
      {"protocol", detail::to_json(evaluation.protocol)},
      {"pinned",
       {{"photos", evaluation.pinned.photos}, {"classifier", evaluation.pinned.classifier}, {"extractors", evaluation.pinned.extractors}}}};
  for (const Metric& metric : evaluation.metrics) {
    json["figures"][metric.key] = metric_json(metric, evaluation.hash);
    json["figures"][metric.key]["title"] = metric.title;
    json["figures"][metric.key]["digits"] = metric.digits;
  }
  json["attributes"] = Json::object();
  for (const auto& [attribute, metrics] : evaluation.attributes) {
    for (const Metric& metric : metrics) json["attributes"][attribute][metric.key] = metric_json(metric, evaluation.hash);
  }
  if (!evaluation.parser_iou.empty()) {
    for (size_t c = 0; c < evaluation.parser_iou.size(); ++c)
      json["parser_iou"][class_names(Labels::kSecgan12)[c]] = number(evaluation.parser_iou[c]);
  }
  return json;
}

std::string evaluation_json(const Evaluation& evaluation, const ReportContext& context) {
  return detail::report_json(evaluation, context).dump(2) + "\n";
}

std::string evaluation_markdown(const Evaluation& evaluation, const ReportContext& context) {
  const std::string warning = caution(evaluation);
  std::string out =
      fmt::format("# {}\n\n{}\n\n{}{}", context.model, conditions(evaluation, context),
                  warning.empty() ? "" : fmt::format("**{}**\n\n", warning), markdown_table(metric_header(), metric_rows(evaluation)));
  if (!evaluation.attributes.empty()) out += "\n" + markdown_table(attribute_header(evaluation), attribute_rows(evaluation));
  return out;
}

std::string evaluation_html(const Evaluation& evaluation, const ReportContext& context) {
  std::string body =
      fmt::format("<h1>{}</h1>\n<p class=\"soft\">{}</p>\n", html_escape(context.model), html_escape(conditions(evaluation, context)));
  if (const std::string warning = caution(evaluation); !warning.empty()) body += fmt::format("<p><strong>{}</strong></p>\n", warning);
  body += html_table(metric_header(), metric_rows(evaluation));
  if (context.grid.defined()) {
    body += "<h2>Edits</h2>\n" + html_picture(encode_png(context.grid), context.grid_caption, static_cast<int>(context.grid.size(2)));
    body += html_legend(class_names(Labels::kSecgan12), class_palette(Labels::kSecgan12));
  }
  if (!evaluation.attributes.empty())
    body += "<h2>Per attribute</h2>\n" + html_table(attribute_header(evaluation), attribute_rows(evaluation));
  if (!evaluation.parser_iou.empty()) {
    Table rows;
    for (size_t c = 0; c < evaluation.parser_iou.size(); ++c)
      rows.push_back({class_names(Labels::kSecgan12)[c], fmt::format("{:.3f}", evaluation.parser_iou[c])});
    body += "<h2>Parser</h2>\n" + html_table({"Class", "IoU"}, rows);
  }
  if (!evaluation.outside.empty()) {
    body +=
        "<h2>Edits that changed most outside their attribute's region</h2>\n<p>A classifier may accept an edit that the eye does not. "
        "These changed most where they had no business: mean absolute change, of a range of 2.</p>\n" +
        notable_pictures(evaluation.outside, "change outside", 3);
  }
  if (!evaluation.far_from_real.empty()) {
    body += fmt::format(
                "<h2>Edits furthest from real faces with the attribute as asked</h2>\n<p>Distance to the nearest photo whose own label is "
                "the one asked for, in the features of {}.</p>\n",
                html_escape(evaluation.neighbors)) +
            notable_pictures(evaluation.far_from_real, "distance", 2);
  }
  return html_page(fmt::format("{}: evaluation", context.model), body);
}

void require_report_place(const std::filesystem::path& folder) {
  bool own = true;
  try {
    read_report(folder / "report.json");
  } catch (const Error&) {
    own = false;
  }
  require_own_place(folder, {"report.json", "report.md", "report.html", "protocol.toml"}, own);
}

void write_evaluation(const std::filesystem::path& folder, const Evaluation& evaluation, const ReportContext& context) {
  require_report_place(folder);
  make_folder(folder);
  write_file(folder / "report.json", evaluation_json(evaluation, context));  // first: it tells whose the others are
  save_settings(folder / "protocol.toml", evaluation.protocol);
  write_file(folder / "report.md", evaluation_markdown(evaluation, context));
  write_file(folder / "report.html", evaluation_html(evaluation, context));
}

std::string compare_reports(const std::vector<std::filesystem::path>& files, bool different_protocols) {
  if (files.empty()) throw InvalidArgument("reports: name at least one report.json");
  std::vector<Json> reports;
  for (const auto& file : files) reports.push_back(read_report(file));
  std::set<std::string> hashes;
  for (size_t i = 0; i < reports.size(); ++i) {
    hashes.insert(reports[i]["hash"].get<std::string>());
    if (hashes.size() == 1 || different_protocols) continue;
    std::vector<std::string> what;
    add_differences(reports[0]["protocol"], reports[i]["protocol"], what);
    add_differences(reports[0]["pinned"], reports[i]["pinned"], what, "digest");
    throw InvalidArgument(fmt::format("reports {} and {} were made under different protocols: {}", files[0].string(), files[i].string(),
                                      fmt::join(what, "; ")));
  }
  std::vector<std::string> header{"Metric"}, keys;
  std::vector<std::pair<std::string, std::string>> titles;
  const auto name_of = [](const Json& report) { return report["model"].value("name", "model"); };
  for (size_t i = 0; i < reports.size(); ++i) {
    const Json& report = reports[i];
    const std::string name = name_of(report);
    // Columns of one name are told apart by their files.
    const bool alone = std::ranges::count(reports, name, name_of) == 1;
    header.push_back(alone ? name : fmt::format("{} ({})", name, files[i].string()));
    for (const auto& [key, metric] : report["figures"].items()) {
      if (std::ranges::find(keys, key) != keys.end()) continue;
      keys.push_back(key);
      titles.emplace_back(key, metric.value("title", key) + (metric.contains("unit") ? ", " + metric.value("unit", "") : ""));
    }
  }
  Table rows;
  for (const auto& [key, title] : titles) {
    std::vector<std::string> row{title};
    for (const Json& report : reports) row.push_back(cell(report["figures"], key));
    rows.push_back(std::move(row));
  }
  std::vector<std::string> protocols{"Protocol"};
  for (const Json& report : reports) protocols.push_back(short_hash(report["hash"].get<std::string>()));
  rows.push_back(std::move(protocols));
  std::string warning = hashes.size() > 1 ? "Different protocols: these metrics are not comparable.\n\n" : "";
  for (size_t i = 0; i < reports.size(); ++i) {
    if (reports[i].value("judged_by_teacher", Json(false)) == Json(true))
      warning += fmt::format("{} was judged by the classifier that taught it: TARR shows little.\n\n", header[i + 1]);
  }
  return warning + markdown_table(header, rows);
}

}  // namespace secgan
