#include <algorithm>
#include <cctype>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/commands.hpp"
#include "cli/printing.hpp"
#include "core/format.hpp"
#include "io/json.hpp"
#include "secgan/bundle/import_weights.hpp"
#include "secgan/evaluation/settings.hpp"
#include "secgan/training/semantic_branch.hpp"
#include "secgan/training/train.hpp"
#include "study/study.hpp"

namespace secgan::cli {
namespace {

using Json = nlohmann::ordered_json;

/// One struct's fields, as a reader of the documentation or a writer of types needs them.
struct OptionTable {
  std::string type;
  Json fields = Json::array();
};

/// Every struct that a root leads to, in the order in which they are met.
class Catalog {
 public:
  void add(const Record& record) {
    const std::string type(record.type);
    for (const OptionTable& known : structs_) {
      if (known.type == type) return;
    }
    const size_t place = structs_.size();
    structs_.push_back({type});
    Json fields = Json::array();
    std::set<std::string_view> seen;
    const auto describe_new = [&] {
      for (const FieldRef& field : record.fields()) {
        if (seen.insert(field.name).second) fields.push_back(describe(field));
      }
    };
    describe_new();
    // Another name of an enum may bring forth other fields, as the options of another backbone.
    for (const FieldRef& field : record.fields()) {
      const auto* const chosen = std::get_if<EnumRef>(&field.value);
      if (chosen == nullptr) continue;
      const std::string before = chosen->get();
      for (const std::string& name : chosen->names) {
        chosen->set(name);
        describe_new();
      }
      chosen->set(before);
    }
    structs_[place].fields = std::move(fields);
  }
  const std::vector<OptionTable>& structs() const { return structs_; }

 private:
  Json describe(const FieldRef& field) {
    Json out{{"name", field.name}, {"meaning", field.meaning}};
    const std::string rule = field.rule.text();
    if (!rule.empty()) out["rule"] = rule;
    std::visit(
        [&]<class Value>(const Value& value) {
          if constexpr (std::is_same_v<Value, Record>) {
            out["kind"] = "struct";
            out["type"] = value.type;
            add(value);
            const std::string other = departures(value);
            if (!other.empty()) out["default"] = other;
          } else {
            out["kind"] = kind_of(value);
            out["default"] = detail::value_text(field.value);
            if constexpr (std::is_same_v<Value, EnumRef>) out["names"] = value.names;
          }
        },
        field.value);
    return out;
  }

  /// Where a struct inside another begins with other values than by itself: "learning_rate 0.003, beta1 0.9".
  std::string departures(const Record& record) const {
    const auto known = std::ranges::find_if(structs_, [&](const OptionTable& one) { return one.type == record.type; });
    std::string out;
    for (const FieldRef& field : record.fields()) {
      for (const Json& own : known->fields) {
        if (own["name"] != field.name || own["kind"] == "struct") continue;
        const std::string value = detail::value_text(field.value);
        if (own["default"] != value) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", field.name, value);
      }
    }
    return out;
  }

  static const char* kind_of(const EnumRef&) { return "name"; }
  static const char* kind_of(const bool*) { return "bool"; }
  static const char* kind_of(const int64_t*) { return "int"; }
  static const char* kind_of(const uint64_t*) { return "int"; }
  static const char* kind_of(const double*) { return "float"; }
  static const char* kind_of(const std::optional<int64_t>*) { return "optional int"; }
  static const char* kind_of(const std::optional<double>*) { return "optional float"; }
  static const char* kind_of(const std::string*) { return "text"; }
  static const char* kind_of(const std::vector<std::string>*) { return "list of text"; }
  static const char* kind_of(const std::vector<int64_t>*) { return "list of int"; }

  std::vector<OptionTable> structs_;
};

/// The roots: what each command reads from a settings file.
template <class Settings>
void add_root(Catalog& catalog) {
  Settings settings;
  catalog.add(record_of(settings));
}

std::string lowered(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

Catalog catalog() {
  Catalog all;
  add_root<TrainSettings>(all);
  add_root<TrainParserSettings>(all);
  add_root<TrainClassifierSettings>(all);
  add_root<EvaluateSettings>(all);
  add_root<StudySettings>(all);
  add_root<ImportOptions>(all);
  add_root<SemanticBranchConfig>(all);
  return all;
}

/// "a | b" would be two cells.
std::string cell(std::string text) {
  for (size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) text.insert(at, 1, '\\');
  return text;
}

void print_markdown(const Catalog& all) {
  for (const OptionTable& one : all.structs()) {
    say("### {}\n\n| setting | default | rule | meaning |\n|---|---|---|---|\n", one.type);
    for (const Json& field : one.fields) {
      const bool nested = field["kind"] == "struct";
      const std::string type = nested ? field["type"].get<std::string>() : "";
      const std::string value = field.value("default", "");
      std::string rule = field.value("rule", "");
      if (field.contains("names")) rule = fmt::format("one of {}", fmt::join(field["names"].get<std::vector<std::string>>(), ", "));
      say("| `{}` | {} | {} | {} |\n", field["name"].get<std::string>(),
          nested ? fmt::format("[{}](#{}){}", type, lowered(type), value.empty() ? "" : ": " + value)
                 : (value.empty() ? "" : fmt::format("`{}`", value)),
          cell(rule), cell(field["meaning"].get<std::string>()));
    }
    say("\n");
  }
}

void print_json(const Catalog& all) {
  Json out = Json::object();
  for (const OptionTable& one : all.structs()) out[one.type] = one.fields;
  print_bytes(stdout, out.dump(2) + "\n");
}

}  // namespace

void add_options(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("options", "list every setting that files and --option know, with default, rule and meaning");
  auto as_json = std::make_shared<bool>(false);
  command.add_flag("--json", *as_json, "as JSON by struct instead of Markdown tables");
  command.callback([=] {
    const Catalog all = catalog();
    if (*as_json) {
      print_json(all);
    } else {
      print_markdown(all);
    }
  });
}

}  // namespace secgan::cli
