#include "serve/edit_request.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "core/format.hpp"
#include "io/json.hpp"
#include "secgan/core/error.hpp"

namespace secgan::serve {
namespace {

using Json = nlohmann::ordered_json;  // edits in the order in which they were asked for

constexpr size_t kMostFaces = 1000;

std::string shown(const Json& value) { return detail::short_text(nlohmann::json(value)); }

/// As detail::parse_json; a key that stands twice is refused, too, as one of its values would be lost.
Json parsed(std::string_view text) {
  try {
    detail::check_nesting(text, "the body");
  } catch (const Error& error) {
    throw InvalidArgument(error.what());
  }
  std::vector<std::set<std::string>> keys;
  const auto once = [&](int /*depth*/, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second)
      throw InvalidArgument(fmt::format("the body names '{}' twice in one object", value.get<std::string>()));
    return true;
  };
  try {
    return Json::parse(text, once);
  } catch (const Json::exception& error) {
    const std::string_view what = error.what();
    throw InvalidArgument(fmt::format("the body is no JSON: {}", what.substr(what.find(']') + 2)));
  }
}

void only_keys(const Json& object, const std::string& where, std::initializer_list<std::string_view> known) {
  if (!object.is_object()) throw InvalidArgument(fmt::format("{} must be an object, found {}", where, shown(object)));
  for (const auto& [key, value] : object.items()) {
    if (std::ranges::find(known, key) == known.end())
      throw InvalidArgument(fmt::format("{}: '{}' is none of: {}", where, key, fmt::join(known, ", ")));
  }
}

/// One of these words; the first where the key is missing.
template <class Value, size_t N>
Value word(const Json& body, const char* key, const std::array<std::pair<std::string_view, Value>, N>& words) {
  if (!body.contains(key)) return words[0].second;
  const Json& value = body.at(key);
  std::vector<std::string_view> names;
  for (const auto& [name, meaning] : words) {
    if (value.is_string() && value.get_ref<const std::string&>() == name) return meaning;
    names.push_back(name);
  }
  throw InvalidArgument(fmt::format("{} must be one of {}, found {}", key, fmt::join(names, ", "), shown(value)));
}

const Json& object_at(const Json& object, const std::string& where, const char* key) {
  const Json& value = object.at(key);
  if (!value.is_object()) throw InvalidArgument(fmt::format("{}.{} must be an object, found {}", where, key, shown(value)));
  return value;
}

FaceEdit face_edit(const Json& json, const std::string& where, const AttributeSchema& known) {
  only_keys(json, where, {"face", "edits", "source"});
  for (const char* key : {"face", "edits"}) {
    if (!json.contains(key)) throw InvalidArgument(fmt::format("{} must have '{}'", where, key));
  }
  const Json& number = json.at("face");
  if (!number.is_number_unsigned())
    throw InvalidArgument(fmt::format("{}.face must be a whole number from 0, found {}", where, shown(number)));
  FaceEdit out{.face = number.get<size_t>()};
  for (const auto& [name, strength] : object_at(json, where, "edits").items()) {
    if (!strength.is_number()) throw InvalidArgument(fmt::format("{}.edits.{} must be a number, found {}", where, name, shown(strength)));
    out.edits.push_back({name, strength.get<double>()});
  }
  if (json.contains("source")) {
    out.source.emplace();
    for (const auto& [name, has] : object_at(json, where, "source").items()) {
      if (!has.is_boolean()) throw InvalidArgument(fmt::format("{}.source.{} must be true or false, found {}", where, name, shown(has)));
      out.source->emplace_back(name, has.get<bool>());
    }
  }
  try {
    known.difference(at::zeros({1, known.size()}), out.edits);
    if (out.source) known.labels(*out.source, "source");
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(fmt::format("{}: {}", where, error.what()));
  }
  return out;
}

std::vector<FaceEdit> face_edits(const Json& body, const AttributeSchema& known) {
  if (!body.contains("faces")) throw InvalidArgument("the body must have 'faces'");
  const Json& faces = body.at("faces");
  if (!faces.is_array()) throw InvalidArgument(fmt::format("faces must be a list, found {}", shown(faces)));
  if (faces.size() > kMostFaces) throw InvalidArgument(fmt::format("faces must be at most {}, found {}", kMostFaces, faces.size()));
  std::vector<FaceEdit> out;
  for (size_t i = 0; i < faces.size(); ++i) out.push_back(face_edit(faces[i], fmt::format("faces[{}]", i), known));
  return out;
}

}  // namespace

EditRequest parse_edit_request(std::string_view text, const AttributeSchema& known) {
  constexpr std::array<std::pair<std::string_view, PictureFormat>, 2> kFormats{
      {{"png", PictureFormat::kPng}, {"jpeg", PictureFormat::kJpeg}}};
  const Json body = parsed(text);
  only_keys(body, "the body", {"faces", "region", "format"});
  return {.faces = face_edits(body, known), .region = word(body, "region", kEditRegions), .format = word(body, "format", kFormats)};
}

MaskRequest parse_mask_request(std::string_view text, const AttributeSchema& known) {
  constexpr std::array<std::pair<std::string_view, MaskOf>, 2> kViews{{{"after", MaskOf::kAfter}, {"before", MaskOf::kBefore}}};
  const Json body = parsed(text);
  only_keys(body, "the body", {"faces", "of"});
  return {.faces = face_edits(body, known), .of = word(body, "of", kViews)};
}

}  // namespace secgan::serve
