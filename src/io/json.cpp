#include "io/json.hpp"

#include <algorithm>

#include "core/comma_list.hpp"
#include "core/format.hpp"
#include "io/file_kind.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"

namespace secgan::detail {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

bool nested(const FieldRef& field) { return std::holds_alternative<Record>(field.value); }

nlohmann::ordered_json value_to_json(const FieldValue& value) {
  return std::visit(Overloaded{[](const EnumRef& reference) { return nlohmann::ordered_json(reference.get()); },
                               [](const Record& record) { return record_to_json(record); },
                               [](const auto* plain) -> nlohmann::ordered_json {
                                 if constexpr (requires { plain->has_value(); }) {
                                   return plain->has_value() ? nlohmann::ordered_json(**plain) : nlohmann::ordered_json(nullptr);
                                 } else {
                                   return *plain;
                                 }
                               }},
                    value);
}

/// Whether the value is an integer that Integer can hold; JSON's reach from -2^63 to 2^64 - 1.
template <class Integer>
bool holds_integer(const nlohmann::json& value) {
  if (value.is_number_unsigned()) return std::in_range<Integer>(value.get<uint64_t>());
  return value.is_number_integer() && std::in_range<Integer>(value.get<int64_t>());
}

template <class Value>
void read_plain(Value& into, const nlohmann::json& value, const std::string& where) {
  const auto require = [&](bool holds, const char* what) {
    if (!holds) throw InvalidArgument(where + " must be " + what + ", found " + short_text(value));
  };
  if constexpr (std::is_same_v<Value, bool>) {
    require(value.is_boolean(), "true or false");
  } else if constexpr (std::is_unsigned_v<Value>) {
    require(holds_integer<Value>(value), "an integer of at least 0");
  } else if constexpr (std::is_integral_v<Value>) {
    require(holds_integer<Value>(value), "an integer");
  } else if constexpr (std::is_floating_point_v<Value>) {
    require(value.is_number(), "a number");
  } else if constexpr (std::is_same_v<Value, std::string>) {
    require(value.is_string(), "text");
  }
  if constexpr (requires { into.push_back({}); } && !std::is_same_v<Value, std::string>) {
    require(value.is_array(), "a list");
    Value items;
    for (const auto& item : value) read_plain(items.emplace_back(), item, where);
    into = std::move(items);
  } else if constexpr (requires { into.has_value(); }) {
    if (value.is_null()) {
      into.reset();
    } else {
      read_plain(into.emplace(), value, where);
    }
  } else {
    into = value.get<Value>();
  }
}

void set_name(const EnumRef& reference, const std::string& name, const std::string& where) {
  std::vector<std::pair<std::string, int>> known;
  for (const std::string& entry : reference.names) known.emplace_back(entry, 0);
  parse_name(known, name, where);  // for its message
  reference.set(name);
}

void read_value(const FieldValue& field, const nlohmann::json& value, const std::string& where) {
  std::visit(Overloaded{[&](const EnumRef& reference) {
                          if (!value.is_string()) throw InvalidArgument(where + " must be a name, found " + short_text(value));
                          set_name(reference, value.get<std::string>(), where);
                        },
                        [&](const Record& record) { record_from_json(record, value, where); },
                        [&](auto* plain) { read_plain(*plain, value, where); }},
             field);
}

std::string known_names(const std::vector<FieldRef>& fields) {
  std::string list;
  for (const FieldRef& field : fields) list += (list.empty() ? "" : ", ") + std::string(field.name);
  return list;
}

[[noreturn]] void refuse_key(std::string_view key, std::string_view known, const std::string& where) {
  throw InvalidArgument(known.empty() ? fmt::format("{}: unknown key '{}': there is nothing to set here", where, key)
                                      : fmt::format("{}: unknown key '{}'; known: {}", where, key, known));
}

/// Text as JSON of the field's kind; what is no such value stays text, for the message.
nlohmann::json json_of_text(const FieldValue& field, const std::string& text) {
  if (std::holds_alternative<EnumRef>(field) || std::holds_alternative<std::string*>(field)) return text;
  const auto parsed = [](const std::string& part) {
    const nlohmann::json value = nlohmann::json::parse(part.starts_with('+') ? part.substr(1) : part, nullptr, /*allow_exceptions=*/false);
    return value.is_number() || value.is_boolean() || value.is_null() ? value : nlohmann::json(part);
  };
  const bool names = std::holds_alternative<std::vector<std::string>*>(field);
  if (!names && !std::holds_alternative<std::vector<int64_t>*>(field)) return parsed(text);
  if (text.starts_with('[')) {
    const nlohmann::json list = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (list.is_array()) return list;
  }
  nlohmann::json list = nlohmann::json::array();
  for (const std::string& part : comma_list(text)) list.push_back(names ? nlohmann::json(part) : parsed(part));
  return list;
}

}  // namespace

nlohmann::ordered_json record_to_json(const Record& record) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  for (const FieldRef& field : record.fields()) out[std::string(field.name)] = value_to_json(field.value);
  return out;
}

void record_from_json(const Record& record, const nlohmann::json& json, const std::string& where) {
  if (!json.is_object()) throw InvalidArgument(where + " must be a table, found " + short_text(json));
  const auto read = [&](const FieldRef& field) {
    const std::string name(field.name), former(field.former_name);
    if (!former.empty() && json.contains(former)) {
      if (json.contains(name))
        throw InvalidArgument(fmt::format("{}: '{}' and '{}' are one setting: give one of them", where, former, name));
      read_value(field.value, json[former], where + "." + former);
    } else if (json.contains(name)) {
      read_value(field.value, json[name], where + "." + name);
    }
  };
  // Which structs are nested may depend on a plain value.
  for (const FieldRef& field : record.fields()) {
    if (!nested(field)) read(field);
  }
  const std::vector<FieldRef> fields = record.fields();
  for (const auto& [key, value] : json.items()) {
    const auto is_called = [&key = key](const FieldRef& field) {
      return field.name == key || (!field.former_name.empty() && field.former_name == key);
    };
    if (std::ranges::none_of(fields, is_called)) refuse_key(key, known_names(fields), where);
  }
  for (const FieldRef& field : fields) {
    if (nested(field)) read(field);
  }
}

FieldRef find_field(const Record& record, std::string_view path, const std::string& where) {
  const size_t dot = path.find('.');
  const std::string_view name = path.substr(0, dot);
  const std::vector<FieldRef> fields = record.fields();
  const auto found = std::ranges::find_if(fields, [&](const FieldRef& field) { return field.name == name; });
  if (found == fields.end()) refuse_key(name, known_names(fields), where);
  if (dot == std::string_view::npos) return *found;
  const Record* const inner = std::get_if<Record>(&found->value);
  if (inner == nullptr) throw InvalidArgument(fmt::format("{}.{} has no settings below it", where, name));
  return find_field(*inner, path.substr(dot + 1), fmt::format("{}.{}", where, name));
}

void set_field(const Record& record, std::string_view path, const std::string& text, const std::string& where) {
  const FieldRef field = find_field(record, path, where);
  if (nested(field)) throw InvalidArgument(fmt::format("{}.{} is a table: set its fields one by one", where, path));
  set_value(field.value, text, fmt::format("{}.{}", where, path));
}

void set_value(const FieldValue& field, const std::string& text, const std::string& where) {
  read_value(field, json_of_text(field, text), where);
}

std::string value_text(const FieldValue& field) {
  const nlohmann::ordered_json value = value_to_json(field);
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() || value.is_null()) return {};
  if (!value.is_array()) return value.dump();
  std::string list;
  for (const auto& item : value) {
    if (!list.empty()) list += ',';
    list += item.is_string() ? item.get<std::string>() : item.dump();
  }
  return list;
}

void records_from_json(const std::vector<Record>& records, const nlohmann::json& json, const std::string& where) {
  if (!json.is_object()) throw InvalidArgument(where + " must be a table, found " + short_text(json));
  std::vector<std::string> known;
  for (const Record& record : records) {
    for (const FieldRef& field : record.fields()) {
      known.emplace_back(field.name);
      if (const auto found = json.find(known.back()); found != json.end()) read_value(field.value, *found, where + "." + known.back());
    }
  }
  std::ranges::sort(known);
  known.erase(std::ranges::unique(known).begin(), known.end());
  for (const auto& [key, value] : json.items()) {
    if (!std::ranges::binary_search(known, key)) refuse_key(key, fmt::format("{}", fmt::join(known, ", ")), where);
  }
}

void check_nesting(std::string_view text, std::string_view name) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepestNesting) throw Error(fmt::format("{}: nested more than {} deep", name, kDeepestNesting));
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

nlohmann::json parse_json(std::string_view text, std::string_view name) {
  constexpr size_t kLargest = size_t{64} << 20;  // a value takes up to twenty times its text
  if (text.size() > kLargest) throw Error(fmt::format("{}: {} bytes of JSON, at most {} are read", name, text.size(), kLargest));
  check_nesting(text, name);
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    const auto line = 1 + std::ranges::count(text.substr(0, error.byte), '\n');
    throw Error(fmt::format("{}: not JSON ({})", name, text.empty() ? "empty" : fmt::format("line {}", line)));
  } catch (const nlohmann::json::exception&) {  // a number beyond all numbers
    throw Error(fmt::format("{}: not JSON that can be read: a number is too large", name));
  }
}

nlohmann::json parse_json_file(std::string_view text, const std::string& file) {
  const FileKind kind = file_kind(text);
  if (kind != FileKind::kJson && kind != FileKind::kText) throw Error(fmt::format("{}: not JSON: it is {}", file, describe(kind)));
  return parse_json(text, file);
}

nlohmann::json read_json(const std::string& file) { return parse_json_file(read_file(file, kMostText), file); }

std::string short_text(const nlohmann::json& value) {
  constexpr size_t kMost = 80;
  if (value.is_structured() && value.size() > kMost)
    return fmt::format("{} of {} values", value.is_array() ? "a list" : "a table", value.size());
  std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (text.size() > kMost) text = text.substr(0, kMost) + "…";
  return text;
}

namespace {

const nlohmann::json& member(const nlohmann::json& object, std::string_view key, const std::string& where, const char* kind,
                             bool (*is)(const nlohmann::json&)) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || found == object.end()) throw Error(fmt::format("{}: '{}' is missing", where, key));
  if (!is(*found)) throw Error(fmt::format("{}: '{}' must be {}, found {}", where, key, kind, short_text(*found)));
  return *found;
}

}  // namespace

const nlohmann::json& json_object(const nlohmann::json& object, std::string_view key, const std::string& where) {
  return member(object, key, where, "a table", [](const nlohmann::json& value) { return value.is_object(); });
}

const nlohmann::json& json_array(const nlohmann::json& object, std::string_view key, const std::string& where) {
  return member(object, key, where, "a list", [](const nlohmann::json& value) { return value.is_array(); });
}

const std::string& json_text(const nlohmann::json& object, std::string_view key, const std::string& where) {
  return member(object, key, where, "text", [](const nlohmann::json& value) { return value.is_string(); }).get_ref<const std::string&>();
}

double json_number(const nlohmann::json& object, std::string_view key, const std::string& where) {
  return member(object, key, where, "a number", [](const nlohmann::json& value) { return value.is_number(); }).get<double>();
}

int64_t json_integer(const nlohmann::json& object, std::string_view key, const std::string& where) {
  return member(object, key, where, "an integer", [](const nlohmann::json& value) { return holds_integer<int64_t>(value); }).get<int64_t>();
}

}  // namespace secgan::detail
