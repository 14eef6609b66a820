#pragma once
/// JSON from and into option structs, through their lists of fields (core/fields.hpp).

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "secgan/core/fields.hpp"

namespace secgan::detail {

SECGAN_API nlohmann::ordered_json record_to_json(const Record& record);

/// Keys that no field has are refused, missing ones keep their value.
/// @param where  first words of every message, as a file name
/// @throws InvalidArgument: "where.task.loader.batch must be an integer, found "abc""
SECGAN_API void record_from_json(const Record& record, const nlohmann::json& json, const std::string& where);

/// One field by its path ("task.loader.batch") from text as a command line has it: lists have commas.
/// @throws InvalidArgument for a path without a field, listing the known names, or text that is no such value.
SECGAN_API void set_field(const Record& record, std::string_view path, const std::string& text, const std::string& where);

/// The same of a value at hand.
SECGAN_API void set_value(const FieldValue& field, const std::string& text, const std::string& where);

/// A plain value as set_value reads it: lists with commas; empty for a struct or a missing value.
SECGAN_API std::string value_text(const FieldValue& field);

/// Each key goes to every record that has such a field: options that two networks share.
/// @throws InvalidArgument for a key that none has, listing the known names.
SECGAN_API void records_from_json(const std::vector<Record>& records, const nlohmann::json& json, const std::string& where);

/// The field at a path.  @throws InvalidArgument that lists the known names.
SECGAN_API FieldRef find_field(const Record& record, std::string_view path, const std::string& where);

/// Arrays and objects inside one another: as many as any file of ours, or of a training's, has.
inline constexpr int kDeepestNesting = 64;

/// Throws where text nests deeper: what walks a value walks down its nesting, and a stack ends.
/// @param name  of the file, for the message   @throws Error
SECGAN_API void check_nesting(std::string_view text, std::string_view name);

/// The one way from text to JSON.
/// @param name  of the file, for messages
/// @throws Error for text that is no JSON, is larger than 64 MiB or nests deeper than kDeepestNesting.
SECGAN_API nlohmann::json parse_json(std::string_view text, std::string_view name);

/// The text of a whole file, which may be something else than JSON.
/// @throws Error as parse_json, and naming what the file is instead.
SECGAN_API nlohmann::json parse_json_file(std::string_view text, const std::string& file);

/// A file's JSON.  @throws FileNotFound, and as parse_json.
SECGAN_API nlohmann::json read_json(const std::string& file);

/// A value in a message: its text, cut to some eighty characters.
SECGAN_API std::string short_text(const nlohmann::json& value);

/// What an object has under a key.  @throws Error ("where: 'key' must be text, found …") where it is missing or of another kind.
SECGAN_API const nlohmann::json& json_object(const nlohmann::json& object, std::string_view key, const std::string& where);
SECGAN_API const nlohmann::json& json_array(const nlohmann::json& object, std::string_view key, const std::string& where);
SECGAN_API const std::string& json_text(const nlohmann::json& object, std::string_view key, const std::string& where);
SECGAN_API double json_number(const nlohmann::json& object, std::string_view key, const std::string& where);
SECGAN_API int64_t json_integer(const nlohmann::json& object, std::string_view key, const std::string& where);

template <Described T>
nlohmann::ordered_json to_json(const T& options) {
  T copy = options;
  return record_to_json(record_of(copy));
}

template <Described T>
void from_json_strict(T& options, const nlohmann::json& json, const std::string& where) {
  record_from_json(record_of(options), json, where);
}

}  // namespace secgan::detail
