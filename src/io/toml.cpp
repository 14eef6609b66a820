#include "io/toml.hpp"

// toml++ 3.3 asserts that a key begins where the file says "[.", and then refuses it properly; compiled with NDEBUG, Clang takes the
// assertion for a promise. Neither has a place in a reader of foreign files.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(condition) static_cast<void>(0)
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "core/format.hpp"
#include "io/file_kind.hpp"
#include "io/json.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"

namespace secgan::detail {
namespace {

/// The parser and whatever walks its tables walk down their nesting, and a stack ends. Brackets nest, and so do the dots of a key; between
/// two of the characters that no bare key holds there is at most one key.
void check_toml_nesting(std::string_view text, const std::string& file) {
  int brackets = 0, dots = 0;
  int64_t line = 1;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      const std::string_view rest = text.substr(i);
      const bool lines = rest.size() > 2 && rest[1] == c && rest[2] == c;
      const std::string_view quotes = rest.substr(0, lines ? 3 : 1);
      i += quotes.size();
      while (i < text.size() && !text.substr(i).starts_with(quotes) && (lines || text[i] != '\n')) {
        line += static_cast<int64_t>(text[i] == '\n');
        i += c == '"' && text[i] == '\\' ? 2 : 1;
      }
      i += quotes.size() - 1;
      continue;
    }
    if (c == '#') i = std::min(text.find('\n', i), text.size() - 1);
    const char now = text[i];
    line += static_cast<int64_t>(now == '\n');
    if (now == '[' || now == '{') ++brackets;
    if ((now == ']' || now == '}') && brackets > 0) --brackets;
    dots = now == '.' ? dots + 1 : std::string_view("\n=,[]{}").find(now) != std::string_view::npos ? 0 : dots;
    if (brackets > kDeepestNesting || dots > kDeepestNesting) {
      throw Error(fmt::format("{}:{}: nested more than {} deep", file, line, kDeepestNesting));
    }
  }
}

nlohmann::json json_from(const toml::node& node, const std::string& file) {
  const auto refuse = [&](const char* what) { return Error(fmt::format("{}:{}: {} in settings", file, node.source().begin.line, what)); };
  if (const auto* table = node.as_table()) {
    nlohmann::json out = nlohmann::json::object();
    for (const auto& [key, value] : *table) out[std::string(key.str())] = json_from(value, file);
    return out;
  }
  if (const auto* array = node.as_array()) {
    nlohmann::json out = nlohmann::json::array();
    for (const auto& value : *array) out.push_back(json_from(value, file));
    return out;
  }
  if (const auto value = node.as_string()) return value->get();
  if (const auto value = node.as_boolean()) return value->get();
  if (const auto value = node.as_integer()) return value->get();
  if (const auto value = node.as_floating_point()) {
    if (!std::isfinite(value->get())) throw refuse("inf and nan have no place");
    return value->get();
  }
  throw refuse("dates and times have no place");
}

void append_table(const nlohmann::ordered_json& table, const std::string& path, std::string& out) {
  // TOML wants a table's plain values before its subtables. JSON's text of a plain value is TOML's as well.
  for (const auto& [key, value] : table.items()) {
    // A missing value is a missing key: TOML has no null.
    if (value.is_object() || value.is_null()) continue;
    if (value.is_number_unsigned() && !std::in_range<int64_t>(value.get<uint64_t>())) {
      throw InvalidArgument(fmt::format("{}{} {}: TOML holds whole numbers up to {}", path.empty() ? "" : path + ".", key, value.dump(),
                                        std::numeric_limits<int64_t>::max()));
    }
    out += key + " = " + value.dump() + "\n";
  }
  for (const auto& [key, value] : table.items()) {
    if (!value.is_object()) continue;
    const std::string name = path.empty() ? key : path + "." + key;
    out += "\n[" + name + "]\n";
    append_table(value, name, out);
  }
}

}  // namespace

nlohmann::json read_toml(const std::string& file) {
  try {
    const std::string text = read_file(file);
    const FileKind kind = file_kind(text);
    if (kind != FileKind::kText && kind != FileKind::kJson && kind != FileKind::kEmpty) {
      throw Error(fmt::format("{}: not TOML: it is {}", file, describe(kind)));
    }
    check_toml_nesting(text, file);
    return json_from(toml::parse(text, file), file);
  } catch (const toml::parse_error& error) {
    throw Error(fmt::format("{}:{}: {}", file, error.source().begin.line, error.description()));
  }
}

std::string to_toml(const nlohmann::ordered_json& settings) {
  std::string out;
  append_table(settings, "", out);
  return out;
}

}  // namespace secgan::detail
