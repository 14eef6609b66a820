#include "serve/api.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <iterator>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "core/format.hpp"
#include "editing/known_faces.hpp"
#include "editing/notes.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/labels.hpp"
#include "secgan/image/image_file.hpp"
#include "serve/edit_request.hpp"

namespace secgan::serve {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kMostJson = uint64_t{1} << 20;
/// As of the page in a browser.
constexpr int64_t kMostPixels = 40'000'000;
constexpr std::string_view kJson = "application/json";

/// "/api/photos/ID" as {"api", "photos", "ID"}.
std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> out;
  for (size_t begin = path.starts_with('/') ? 1 : 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    out.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

/// Whether a path is of a pattern's form, in which "*" stands for one part.
bool matches(const std::vector<std::string_view>& parts, std::string_view pattern) {
  return std::ranges::equal(parts, parts_of(pattern),
                            [](std::string_view part, std::string_view form) { return form == "*" || part == form; });
}

std::string_view type_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kTypes{{{".html", "text/html; charset=utf-8"},
                                                                                 {".css", "text/css; charset=utf-8"},
                                                                                 {".js", "text/javascript; charset=utf-8"},
                                                                                 {".json", kJson},
                                                                                 {".svg", "image/svg+xml"},
                                                                                 {".png", "image/png"},
                                                                                 {".txt", "text/plain; charset=utf-8"}}};
  for (const auto& [ending, type] : kTypes) {
    if (name.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

/// A header's value without parameters, in lower case.
std::string media_type(const std::string* value) {
  if (value == nullptr) return {};
  std::string out = value->substr(0, value->find(';'));
  std::erase_if(out, [](unsigned char c) { return std::isspace(c) != 0; });
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool is_id(std::string_view text) {
  return text.size() == 32 && std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0 || (c >= 'a' && c <= 'f'); });
}

Json rect_of(const Rect& rect) { return {{"x", rect.x}, {"y", rect.y}, {"width", rect.width}, {"height", rect.height}}; }

/// Those that are to be changed.
std::vector<FaceEdit> with_edits(std::vector<FaceEdit> faces) {
  std::erase_if(faces, [](const FaceEdit& one) { return one.edits.empty(); });
  return faces;
}

}  // namespace

struct Api::Asked {
  const Request& request;
  std::vector<std::string_view> parts;
  Clock::time_point now;
};

struct Api::Route {
  enum class Body { kNone, kPhoto, kJson };
  std::string_view method, pattern;
  Answer (Api::*answer)(const Asked&);
  Body body = Body::kNone;
  bool takes_long = true;
  std::vector<std::string_view> query = {};  ///< keys that it knows
};

const std::vector<Api::Route>& Api::routes() {
  using Body = Route::Body;
  static const std::vector<Route> all{
      {"POST", "/api/photos", &Api::open, Body::kPhoto, true, {"middle"}},
      {"DELETE", "/api/photos/*", &Api::forget, Body::kNone, false},
      {"GET", "/api/photos/*/faces/*", &Api::look},
      {"POST", "/api/photos/*/edits", &Api::edit, Body::kJson},
      {"POST", "/api/photos/*/masks", &Api::masks, Body::kJson},
  };
  return all;
}

Api::Api(Editor editor, const Files& files, ApiOptions options)
    : editor_(std::move(editor)), options_(std::move(options)), photos_(options_.limits) {
  for (const auto& [name, bytes] : files) {
    Answer file = answer_with(bytes, std::string(type_of(name)));
    file.headers = {{"Cache-Control", "no-cache"}};
    files_["/" + name] = std::move(file);
  }
  if (const auto index = files_.find("/index.html"); index != files_.end()) files_["/"] = index->second;
}

const Api::Route* Api::route(const Request& request) {
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  const std::vector<std::string_view> parts = parts_of(request.path);
  for (const Route& one : routes()) {
    if (one.method == method && matches(parts, one.pattern)) return &one;
  }
  return nullptr;
}

bool Api::takes_long(const Request& request) {
  const Route* const found = route(request);
  return found != nullptr && found->takes_long;
}

void Api::admit(const Request& request, uint64_t length) const {
  const Route* const found = route(request);
  const bool read = request.method == "GET" || request.method == "HEAD";
  if (found == nullptr && !(read && files_.contains(request.path))) {
    std::vector<std::string_view> methods;
    if (files_.contains(request.path)) methods.emplace_back("GET");
    const std::vector<std::string_view> parts = parts_of(request.path);
    for (const Route& one : routes()) {
      if (matches(parts, one.pattern)) methods.push_back(one.method);
    }
    if (std::ranges::find(methods, "GET") != methods.end()) methods.emplace_back("HEAD");
    if (methods.empty()) throw Refusal(404, "not-found", fmt::format("there is nothing at '{}'", request.path));
    const std::string allowed = fmt::format("{}", fmt::join(methods, ", "));
    throw Refusal(405, "method", fmt::format("'{}' takes {}, found {}", request.path, allowed, request.method), {{"Allow", allowed}});
  }
  for (const auto& [key, value] : request.query) {
    if (found == nullptr || std::ranges::find(found->query, key) != found->query.end()) continue;
    throw Refusal(400, "invalid", fmt::format("'{}' is no parameter of '{}'", key, request.path));
  }
  const Route::Body body = found != nullptr ? found->body : Route::Body::kNone;
  const uint64_t most = body == Route::Body::kPhoto ? options_.most_bytes : body == Route::Body::kJson ? kMostJson : 0;
  if (length > most) throw Refusal(413, "too-large", fmt::format("the body must have at most {} bytes, found {}", most, length));
  const std::string type = media_type(request.header("content-type"));
  if (body == Route::Body::kJson && type != kJson) {
    throw Refusal(415, "type", fmt::format("the header Content-Type must be {}, found '{}'", kJson, type));
  }
  if (body == Route::Body::kPhoto && type != "application/octet-stream" && !(type.starts_with("image/") && type.size() > 6)) {
    throw Refusal(415, "type", fmt::format("the header Content-Type must be application/octet-stream or image/…, found '{}'", type));
  }
}

Answer Api::answer(const Request& request, Clock::time_point now) {
  const auto refused = [](int status, const char* kind, std::string_view message, Texts headers = {}) {
    return Refusal(status, kind, message, std::move(headers)).answer();
  };
  try {
    if (const Route* const found = route(request)) return (this->*found->answer)({request, parts_of(request.path), now});
    return files_.at(request.path);
  } catch (const Refusal& refusal) {
    return refusal.answer();
  } catch (const InvalidArgument& error) {
    return refused(400, "invalid", error.what());
  } catch (const std::bad_alloc&) {
    return refused(503, "busy", "not enough memory", {{"Retry-After", "10"}});
  } catch (const c10::Error& error) {
    return refused(500, "unexpected", error.what_without_backtrace());
  } catch (const std::exception& error) {
    return refused(500, "unexpected", error.what());
  }
}

std::shared_ptr<const OpenedPhoto> Api::photo(const Asked& asked) {
  const std::string_view id = asked.parts[2];
  std::shared_ptr<const OpenedPhoto> found = is_id(id) ? photos_.find(id, asked.now) : nullptr;
  if (!found) throw Refusal(404, "unknown-photo", "there is no photo of this id, or not any more: send the photo again");
  return found;
}

Answer Api::open(const Asked& asked) {
  bool middle = false;
  for (const auto& [key, value] : asked.request.query) {
    if (value != "true" && value != "false") throw InvalidArgument(fmt::format("{} must be true or false, found '{}'", key, value));
    middle = value == "true";
  }
  OpenedPhoto opened;
  int64_t pictures = 1;
  try {
    ReadPhoto read = decode_photo(asked.request.body, "the photo");
    opened.photo = std::move(read.image);
    pictures = read.pictures;
  } catch (const Error& error) {
    throw Refusal(422, "no-picture", error.what());
  }
  const int64_t height = opened.photo.size(1), width = opened.photo.size(2);
  if (opened.pixels() > kMostPixels) {
    throw Refusal(422, "too-large",
                  fmt::format("the photo has {} x {} pixels: up to {} million can be edited here", width, height, kMostPixels / 1'000'000));
  }
  EditOptions how;
  if (!middle && editor_.layout() && options_.detector) how.faces = FaceSearch{.detector = options_.detector};
  try {
    opened.seen = editor_.look(opened.photo, how);
  } catch (const NoFaceFound& none) {
    throw Refusal(422, "no-face", none.what());
  } catch (const InvalidArgument& error) {
    throw Refusal(422, "crop", error.what());
  }
  std::ranges::copy(notes_on_pictures(pictures), std::back_inserter(opened.seen.notes));
  Json faces = Json::array();
  for (const Face& one : opened.seen.faces)
    faces.push_back({{"left", one.left}, {"top", one.top}, {"right", one.right}, {"bottom", one.bottom}});
  Json told{{"id", ""},         {"width", width},
            {"height", height}, {"shown", rect_of(opened.seen.place)},
            {"faces", faces},   {"notes", opened.seen.notes}};
  const std::string id = photos_.add(std::move(opened), asked.now);
  told["id"] = id;
  Answer out = answer_with(told.dump() + "\n", std::string(kJson), 201);
  out.headers = {{"Location", "/api/photos/" + id}};
  return out;
}

Answer Api::forget(const Asked& asked) {
  photo(asked);
  photos_.forget(asked.parts[2]);
  return {.status = 204, .type = ""};
}

Answer Api::look(const Asked& asked) {
  const auto opened = photo(asked);
  const std::string_view text = asked.parts[4];
  size_t face = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), face);
  const size_t known = std::max<size_t>(opened->seen.faces.size(), 1);
  if (error != std::errc{} || end != text.data() + text.size() || face >= known) {
    throw Refusal(404, "unknown-face",
                  fmt::format("face '{}' must be a whole number below {}, the number of the photo's faces", text, known));
  }
  // An edit of nothing tells what the photo shows and what should be known of it.
  FaceEdit nothing{.face = face};
  const bool sees = !editor_.bundle().classifier.is_empty();
  if (!sees) nothing.source.emplace();
  const EditedPhoto seen = editor_.edit_each_face(opened->photo, opened->seen, {nothing});
  Json source;
  if (sees) {
    for (const auto& [name, has] : seen.source) source[name] = has;
  }
  return answer_with(Json{{"source", source}, {"notes", seen.notes}}.dump() + "\n");
}

Answer Api::edit(const Asked& asked) {
  const EditRequest request = parse_edit_request(asked.request.body, editor_.attributes());
  const auto opened = photo(asked);
  require_known_faces(opened->seen, request.faces);
  if (request.region == EditRegion::kExact) require_exact_regions(editor_.bundle(), "region exact");
  const std::vector<FaceEdit> faces = with_edits(request.faces);
  at::Tensor picture;
  std::vector<std::string> notes;
  Provenance made{.software = this_software()};
  if (faces.empty()) {
    picture = crop_image(opened->photo, opened->seen.place);
  } else {
    EditedPhoto edited;
    try {
      edited = editor_.edit_each_face(opened->photo, opened->seen, faces, request.region);
    } catch (const Error& error) {
      throw Refusal(422, "numbers", error.what());
    }
    picture = edited.photo;
    made = edited.provenance;
    notes = edited.notes;
  }
  Answer out = request.format == PictureFormat::kPng ? answer_with(encode_png(picture, made), "image/png")
                                                     : answer_with(encode_jpeg(picture, kJpegQuality, made), "image/jpeg");
  if (!notes.empty()) out.headers = {{"Secgan-Notes", Json(notes).dump(-1, ' ', /*ensure_ascii=*/true)}};
  return out;
}

Answer Api::masks(const Asked& asked) {
  const MaskRequest request = parse_mask_request(asked.request.body, editor_.attributes());
  const auto opened = photo(asked);
  require_known_faces(opened->seen, request.faces);
  const EditedMasks found = editor_.edit_masks(opened->photo, opened->seen, request.faces);
  std::vector<std::array<uint8_t, 3>> palette = class_palette(Labels::kSecgan12);
  palette.push_back({255, 255, 255});  // kAround; no class is white
  return answer_with(encode_index_png(request.of == MaskOf::kBefore ? found.before : found.after, palette, {.software = this_software()}),
                     "image/png");
}

std::string Api::loggable(std::string_view path) {
  std::string out;
  for (const std::string_view part : parts_of(path)) {
    out += '/';
    out += is_id(part) ? fmt::format("{}…", part.substr(0, 4)) : std::string(part);
  }
  return out;
}

}  // namespace secgan::serve
