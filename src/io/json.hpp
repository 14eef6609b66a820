#pragma once
/// JSON from and into option structs, through the fields that they describe (core/fields.hpp).

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "secgan/core/error.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/core/names.hpp"

namespace secgan {

template <Described T>
nlohmann::ordered_json to_json(const T& options) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  T::visit(options, [&]<class Field>(std::string_view name, const Field& field) {
    if constexpr (NamedEnum<Field>) {
      out[std::string(name)] = name_of(EnumNames<Field>::table, field);
    } else if constexpr (Described<Field>) {
      out[std::string(name)] = to_json(field);
    } else {
      out[std::string(name)] = field;
    }
  });
  return out;
}

/// Whether the value is an integer that Integer can hold; JSON's reach from -2^63 to 2^64 - 1.
template <class Integer, class Json>
bool holds_integer(const Json& value) {
  if (value.is_number_unsigned()) return std::in_range<Integer>(value.template get<uint64_t>());
  return value.is_number_integer() && std::in_range<Integer>(value.template get<int64_t>());
}

/// One field from one value.  @throws InvalidArgument: "where must be an integer, found "abc""
template <class Field, class Json>
void read_field(Field& field, const Json& value, const std::string& where);

/// Keys that the options lack are refused, missing ones keep their value. Fields are read in the order of the
/// description, so that a later one may depend on an earlier one.
/// @param where  first words of every message, as a file name
template <Described T, class Json>
void from_json_strict(T& options, const Json& json, const std::string& where) {
  if (!json.is_object()) throw InvalidArgument(where + " must be a table, found " + json.dump());
  std::vector<std::string> known;
  T::visit(options, [&](std::string_view name, auto& field) {
    known.emplace_back(name);
    const auto found = json.find(known.back());
    if (found != json.end()) read_field(field, *found, where + "." + known.back());
  });
  for (const auto& [key, value] : json.items()) {
    bool found = false;
    std::string list;
    for (const std::string& name : known) {
      found = found || name == key;
      list += (list.empty() ? "" : ", ") + name;
    }
    if (!found) throw InvalidArgument(where + ": unknown key '" + key + "'; known: " + list);
  }
}

template <class Field, class Json>
void read_field(Field& field, const Json& value, const std::string& where) {
  const auto require = [&](bool holds, const char* what) {
    if (!holds) throw InvalidArgument(where + " must be " + what + ", found " + value.dump());
  };
  if constexpr (NamedEnum<Field>) {
    require(value.is_string(), "a name");
    field = parse_name(EnumNames<Field>::table, value.template get<std::string>(), where);
  } else if constexpr (Described<Field>) {
    from_json_strict(field, value, where);
  } else if constexpr (std::is_same_v<Field, bool>) {
    require(value.is_boolean(), "true or false");
    field = value.template get<bool>();
  } else if constexpr (std::is_unsigned_v<Field>) {
    require(holds_integer<Field>(value), "an integer of at least 0");
    field = value.template get<Field>();
  } else if constexpr (std::is_integral_v<Field>) {
    require(holds_integer<Field>(value), "an integer");
    field = value.template get<Field>();
  } else if constexpr (std::is_floating_point_v<Field>) {
    require(value.is_number(), "a number");
    field = value.template get<Field>();
  } else if constexpr (std::is_same_v<Field, std::string>) {
    require(value.is_string(), "text");
    field = value.template get<std::string>();
  } else {
    static_assert(std::is_same_v<Field, std::vector<std::string>> || std::is_same_v<Field, std::vector<int64_t>>,
                  "no JSON form for this field");
    require(value.is_array(), "a list");
    Field items;
    for (const auto& item : value) {
      typename Field::value_type read{};
      read_field(read, item, where);
      items.push_back(read);
    }
    field = items;
  }
}

}  // namespace secgan
