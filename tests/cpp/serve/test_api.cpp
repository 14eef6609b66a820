#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "alignment/markers.hpp"
#include "random_bundle.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/image_file.hpp"
#include "serve/api.hpp"

using namespace secgan;
using namespace secgan::serve;
using namespace secgan::testing;
using nlohmann::json;

namespace {

const Files kFiles{{"index.html", "<p>"}, {"page.js", "1"}, {"api/openapi.json", "{}"}, {"examples/face1.png", "png"}};

/// Requests without a socket, as a server passes them on: first the head, then the whole.
struct Client {
  Api api;
  Clock::time_point now{};

  Answer operator()(const std::string& method, const std::string& path, const std::string& body = "", const std::string& type = "",
                    Texts query = {}) {
    Request request{.method = method, .path = path, .query = std::move(query), .body = body};
    if (!type.empty()) request.headers = {{"content-type", type}};
    try {
      api.admit(request, body.size());
    } catch (const Refusal& refusal) {
      return refusal.answer();
    }
    return api.answer(request, now);
  }
  json open(const at::Tensor& photo, const char* middle = "false") {
    const Answer answer = (*this)("POST", "/api/photos", encode_png(photo), "image/png", {{"middle", middle}});
    INFO(*answer.body);
    REQUIRE(answer.status == 201);
    return json::parse(*answer.body);
  }
  Answer ask(const json& opened, const std::string& path, const json& body) {
    return (*this)("POST", "/api/photos/" + opened["id"].get<std::string>() + path, body.dump(), "application/json; charset=utf-8");
  }
};

Client client_of(const Bundle& bundle, ApiOptions options = {}) { return {Api(Editor(bundle), kFiles, std::move(options))}; }

Bundle aligned_bundle() {
  Bundle bundle = random_bundle();
  bundle.info.crop = "center:170";
  bundle.info.photo_size = "178x218";
  return bundle;
}

/// "no-face" of an answer of this status.
std::string kind_of(const Answer& answer, int status) {
  CHECK(answer.status == status);
  REQUIRE(answer.body);
  const json error = json::parse(*answer.body)["error"];
  CHECK(error["message"].get<std::string>().find('\n') == std::string::npos);
  return error["kind"];
}

std::string message_of(const Answer& answer) { return json::parse(*answer.body)["error"]["message"]; }

json one_face(size_t face, const json& edits) { return {{"face", face}, {"edits", edits}, {"source", json::object()}}; }

}  // namespace

TEST_CASE("what the server gives out are the files that it was given, and nothing else", "[serve]") {
  Client client = client_of(random_bundle());
  CHECK(*client("GET", "/").body == "<p>");
  CHECK(client("GET", "/index.html").type == "text/html; charset=utf-8");
  CHECK(client("HEAD", "/page.js").type == "text/javascript; charset=utf-8");
  CHECK(*client("GET", "/api/openapi.json").body == "{}");
  CHECK(*client("GET", "/examples/face1.png", "", "", {{"any", "thing"}}).body == "png");
  for (const char* path : {"", "//", "/page.js/", "/Page.js", "/../page.js", "/examples", "/examples/", "/%2e%2e/page.js", "/page.js%00",
                           "/etc/passwd", "/api", "/api/photos/", "/api/photos/1/2", "/api/photos/1/faces/0/", "/api/openapi.json/x"}) {
    INFO(path);
    CHECK(kind_of(client("GET", path), std::string(path) == "/api/photos/" ? 405 : 404) ==
          (std::string(path) == "/api/photos/" ? "method" : "not-found"));
  }
}

TEST_CASE("a place takes its own methods, and says which", "[serve]") {
  Client client = client_of(random_bundle());
  const auto allowed = [&](const char* method, const char* path) {
    const Answer answer = client(method, path);
    CHECK(kind_of(answer, 405) == "method");
    REQUIRE(answer.headers.size() == 1);
    CHECK(answer.headers[0].first == "Allow");
    return answer.headers[0].second;
  };
  CHECK(allowed("POST", "/") == "GET, HEAD");
  CHECK(allowed("GET", "/api/photos") == "POST");
  CHECK(allowed("OPTIONS", "/api/photos") == "POST");
  CHECK(allowed("PUT", "/api/photos/1") == "DELETE");
  CHECK(allowed("DELETE", "/api/photos/1/faces/0") == "GET, HEAD");
  CHECK(allowed("GET", "/api/photos/1/edits") == "POST");
}

TEST_CASE("bodies are refused by their heads", "[serve]") {
  Client client = client_of(random_bundle(), {.most_bytes = 100});
  CHECK(kind_of(client("POST", "/api/photos", std::string(101, 'x'), "image/png"), 413) == "too-large");
  CHECK(kind_of(client("POST", "/api/photos", std::string(100, 'x'), "image/png"), 422) == "no-picture");
  CHECK(kind_of(client("GET", "/", "x"), 413) == "too-large");
  CHECK(kind_of(client("DELETE", "/api/photos/1", "x"), 413) == "too-large");
  CHECK(kind_of(client("POST", "/api/photos/1/edits", std::string((1 << 20) + 1, ' '), "application/json"), 413) == "too-large");
  for (const char* type : {"", "text/plain", "application/json", "multipart/form-data; boundary=x", "image", "image/", "imagex/png"})
    CHECK(kind_of(client("POST", "/api/photos", "x", type), 415) == "type");
  for (const char* type : {"application/octet-stream", "image/x-strange", "Image/PNG ; q=1"})
    CHECK(kind_of(client("POST", "/api/photos", "x", type), 422) == "no-picture");
  for (const char* type : {"", "text/json", "application/x-www-form-urlencoded"})
    CHECK(kind_of(client("POST", "/api/photos/1/masks", "{}", type), 415) == "type");
}

TEST_CASE("an edit is the editor's, pixel for pixel, and says how it was made", "[serve]") {
  const Bundle bundle = random_bundle();
  const Editor editor(bundle);
  Client client = client_of(bundle);
  const at::Tensor photo = drawn_photo(90, 70);
  const json opened = client.open(photo);
  CHECK(opened["width"] == 70);
  CHECK(opened["height"] == 90);
  CHECK(opened["shown"] == json{{"x", 0}, {"y", 10}, {"width", 70}, {"height", 70}});
  CHECK(opened["faces"].empty());

  const Answer seen = client("GET", "/api/photos/" + opened["id"].get<std::string>() + "/faces/0");
  const EditedPhoto nothing = editor.edit(photo, {});
  const json look = json::parse(*seen.body);
  CHECK(look["source"].size() == 9);
  for (const auto& [name, has] : nothing.source) CHECK(look["source"][name] == has);
  CHECK(look["notes"] == nothing.notes);

  const auto region = GENERATE(as<std::string>(), "free", "exact");
  const std::vector<AttributeEdit> edits{{"Eyeglasses", 1}, {"Bangs", -0.5}};
  const EditedPhoto expected = editor.edit(
      photo, edits, {.source = NamedLabels{{"Bangs", true}}, .region = region == "exact" ? EditRegion::kExact : EditRegion::kFree});
  const std::string body =
      R"({"faces": [{"face": 0, "edits": {"Eyeglasses": 1, "Bangs": -0.5}, "source": {"Bangs": true}}], "region": ")" + region + R"("})";
  const std::string place = "/api/photos/" + opened["id"].get<std::string>() + "/edits";
  const Answer png = client("POST", place, body, "application/json");
  CHECK(png.type == "image/png");
  CHECK(*png.body == encode_png(expected.photo, expected.provenance));
  const Answer jpeg = client("POST", place, body.substr(0, body.size() - 1) + R"(, "format": "jpeg"})", "application/json");
  CHECK(jpeg.type == "image/jpeg");
  CHECK(*jpeg.body == encode_jpeg(expected.photo, kJpegQuality, expected.provenance));
  CHECK(std::ranges::find(png.headers, "Secgan-Notes", &Texts::value_type::first)->second == json(expected.notes).dump());
  // Without an edit it is the photo, which no model had a part in.
  for (const json& faces : {json::array(), json::array({one_face(0, json::object())})}) {
    const Answer same = client.ask(opened, "/edits", {{"faces", faces}});
    CHECK(at::equal(decode_image(*same.body), editor.crop(photo)));
    CHECK(inspect_image_bytes(*same.body).provenance == Provenance{.software = this_software()});
    CHECK(same.headers.empty());
  }
}

TEST_CASE("what the command says of a photo and an edit the server says, too", "[serve]") {
  Client client = client_of(random_bundle());
  const at::Tensor frame = drawn_photo(64, 64);
  const Answer opened = client("POST", "/api/photos", encode_animation({frame, frame.flip(2)}, 1), "image/webp");
  CHECK(json::parse(*opened.body)["notes"] == json{"the file holds 2 pictures: the first is taken"});
  const Answer edited = client.ask(json::parse(*opened.body), "/edits", {{"faces", {one_face(0, {{"Male", 50}})}}});
  REQUIRE(edited.headers.size() == 1);
  CHECK(edited.headers[0].second.find("strength 50 of Male is far from the 1 that training used") != std::string::npos);
  const Answer beyond = client.ask(json::parse(*opened.body), "/edits", {{"faces", {one_face(0, {{"Male", 1e30}})}}});
  CHECK(message_of(beyond) == "faces[0]: strength of 'Male' must lie in [-100, 100], found 1e+30");
}

TEST_CASE("faces are found once, and each has edits of its own", "[serve]") {
  const Bundle bundle = aligned_bundle();
  const Editor editor(bundle);
  const std::vector<Face> faces{face_at(from_celeba(0, 1, 120, 150)), face_at(from_celeba(15, 0.8, 330, 150))};
  int searches = 0;
  Client client = client_of(bundle, {.detector = [&](const at::Tensor& photo) {
                              searches += photo.size(2) == 450 ? 1 : 0;
                              return photo.size(2) == 450 ? faces : std::vector<Face>();
                            }});
  const at::Tensor photo = drawn_photo(300, 450);
  const json opened = client.open(photo);
  const int once = searches;
  CHECK(opened["shown"] == json{{"x", 0}, {"y", 0}, {"width", 450}, {"height", 300}});
  REQUIRE(opened["faces"].size() == 2);
  CHECK(opened["faces"][1] == json{{"left", faces[1].left}, {"top", faces[1].top}, {"right", faces[1].right}, {"bottom", faces[1].bottom}});
  const FaceSearch second{.choice = {FaceChoice::Kind::kNumber, 2}, .known = faces};
  const EditedPhoto expected = editor.edit(photo, {{"Male", 1}}, {.source = NamedLabels{}, .faces = second});
  const Answer answer = client.ask(opened, "/edits", {{"faces", {one_face(0, json::object()), one_face(1, {{"Male", 1}})}}});
  CHECK(*answer.body == encode_png(expected.photo, expected.provenance));
  const json look = json::parse(*client("GET", "/api/photos/" + opened["id"].get<std::string>() + "/faces/1").body);
  const EditedPhoto nothing = editor.edit(photo, {}, {.faces = second});
  for (const auto& [name, has] : nothing.source) CHECK(look["source"][name] == has);
  CHECK(searches == once);
  const Answer masks = client.ask(opened, "/masks", {{"faces", {one_face(1, {{"Male", 1}})}}, {"of", "before"}});
  CHECK(masks.type == "image/png");
  CHECK(decode_image(*masks.body).sizes() == photo.sizes());
  CHECK(kind_of(client.ask(opened, "/edits", {{"faces", {one_face(2, json::object())}}}), 400) == "invalid");
  CHECK(message_of(client.ask(opened, "/edits", {{"faces", {one_face(1, {{"Male", 1}}), one_face(1, {{"Bald", 1}})}}})) ==
        "face 1 is named twice");
  CHECK(kind_of(client("GET", "/api/photos/" + opened["id"].get<std::string>() + "/faces/2"), 404) == "unknown-face");
  CHECK(kind_of(client("GET", "/api/photos/" + opened["id"].get<std::string>() + "/faces/-1"), 404) == "unknown-face");
  CHECK(kind_of(client("GET", "/api/photos/" + opened["id"].get<std::string>() + "/faces/1x"), 404) == "unknown-face");

  // A photo without a face, and its middle all the same.
  const at::Tensor empty = drawn_photo(300, 400);
  const Answer none = client("POST", "/api/photos", encode_png(empty), "image/png");
  CHECK(kind_of(none, 422) == "no-face");
  const json middle = client.open(empty, "true");
  CHECK(middle["faces"].empty());
  CHECK(middle["shown"]["width"] == editor.place(empty).width);
}

TEST_CASE("photos that are aligned, or nobody searches, are cropped", "[serve]") {
  const Bundle bundle = aligned_bundle();
  Client finds =
      client_of(bundle, {.detector = [](const at::Tensor&) -> std::vector<Face> { throw std::logic_error("nobody should search"); }});
  const json aligned = finds.open(drawn_photo(218, 178));
  CHECK(aligned["faces"].empty());
  CHECK(aligned["notes"].size() == 1);
  Client blind = client_of(bundle);
  CHECK(blind.open(drawn_photo(300, 400))["notes"].empty());
}

TEST_CASE("photos that cannot be edited are refused, each for its reason", "[serve]") {
  Bundle bundle = random_bundle();
  bundle.info.crop = "box:10,10,50,50";
  {
    const at::NoGradGuard no_grad;
    for (at::Tensor weight : bundle.generator->parameters()) weight.mul_(1e30);  // its edits are not finite
  }
  Client client = client_of(bundle);
  const std::string png = encode_png(drawn_photo(100, 100));
  CHECK(kind_of(client("POST", "/api/photos", "not a picture", "image/png"), 422) == "no-picture");
  CHECK(kind_of(client("POST", "/api/photos", png.substr(0, png.size() / 2), "image/png"), 422) == "no-picture");
  CHECK(kind_of(client("POST", "/api/photos", encode_png(drawn_photo(20, 20)), "image/png"), 422) == "crop");
  CHECK(kind_of(client("POST", "/api/photos", encode_png(at::zeros({3, 8000, 6000}, at::kByte)), "image/png"), 422) == "too-large");
  CHECK(kind_of(client("POST", "/api/photos", png, "image/png", {{"middle", "yes"}}), 400) == "invalid");
  CHECK(message_of(client("POST", "/api/photos", png, "image/png", {{"center", "true"}})) == "'center' is no parameter of '/api/photos'");
  const json opened = client.open(drawn_photo(100, 100));
  CHECK(kind_of(client.ask(opened, "/edits", {{"faces", {one_face(0, {{"Male", 1}})}}}), 422) == "numbers");
  CHECK(kind_of(client.ask(opened, "/edits", {{"faces", {one_face(0, {{"Hat", 1}})}}}), 400) == "invalid");
  CHECK(kind_of(client.ask(opened, "/masks", {{"faces", json::array()}}), 400) == "invalid");
}

TEST_CASE("bundles without a part say what they lack", "[serve]") {
  Bundle bundle = random_bundle();
  bundle.classifier = nullptr;
  bundle.mask_generator = nullptr;
  Client client = client_of(bundle);
  const json opened = client.open(drawn_photo(64, 64));
  const json look = json::parse(*client("GET", "/api/photos/" + opened["id"].get<std::string>() + "/faces/0").body);
  CHECK(look["source"].is_null());
  json face = one_face(0, {{"Male", 1}});
  CHECK(client.ask(opened, "/edits", {{"faces", {face}}}).status == 200);
  CHECK(message_of(client.ask(opened, "/edits", {{"faces", {face}}, {"region", "exact"}})).find("no mask generator") != std::string::npos);
  CHECK(kind_of(client.ask(opened, "/masks", {{"faces", {face}}}), 400) == "invalid");
  face.erase("source");
  CHECK(message_of(client.ask(opened, "/edits", {{"faces", {face}}})).find("must be given") != std::string::npos);
}

TEST_CASE("photos are known until they are forgotten", "[serve]") {
  Client client = client_of(random_bundle(), {.limits = {.photos = 2}});
  const json first = client.open(drawn_photo(64, 64)), second = client.open(drawn_photo(64, 64));
  const auto place = [](const json& opened) { return "/api/photos/" + opened["id"].get<std::string>(); };
  CHECK(client("GET", place(first) + "/faces/0").status == 200);
  client.open(drawn_photo(64, 64));
  CHECK(kind_of(client("GET", place(second) + "/faces/0"), 404) == "unknown-photo");
  const Answer gone = client("DELETE", place(first));
  CHECK(gone.status == 204);
  CHECK_FALSE(gone.body);
  CHECK(kind_of(client("DELETE", place(first)), 404) == "unknown-photo");
  CHECK(kind_of(client.ask(first, "/edits", {{"faces", json::array()}}), 404) == "unknown-photo");
  for (const char* id : {"1", "../../x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
    CHECK(client("DELETE", std::string("/api/photos/") + id).status == 404);
  CHECK(Api::loggable(place(first)).size() < place(first).size() - 20);
  CHECK(Api::loggable("/page.js") == "/page.js");
  const json last = client.open(drawn_photo(64, 64));
  client.now += std::chrono::minutes(31);
  client.api.forget_unused(client.now);
  CHECK(kind_of(client("DELETE", place(last)), 404) == "unknown-photo");
}

TEST_CASE("what takes time is told from what does not", "[serve]") {
  const auto takes_long = [&](const char* method, const char* path) { return Api::takes_long({.method = method, .path = path}); };
  CHECK(takes_long("POST", "/api/photos"));
  CHECK(takes_long("HEAD", "/api/photos/1/faces/0"));
  CHECK_FALSE(takes_long("DELETE", "/api/photos/1"));
  CHECK_FALSE(takes_long("GET", "/"));
}
