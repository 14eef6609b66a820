#include "io/toml.hpp"

#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <cmath>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"

namespace secgan::detail {
namespace {

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
    if (!value.is_object() && !value.is_null()) out += key + " = " + value.dump() + "\n";
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
    return json_from(toml::parse(read_file(file), file), file);
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
