#include <catch2/catch.hpp>

#include "secgan/core/error.hpp"
#include "serve/edit_request.hpp"

using namespace secgan;
using namespace secgan::serve;

namespace {

const AttributeSchema kKnown({"Bald", "Bangs", "Male"});

}  // namespace

TEST_CASE("edits come in the order in which they were asked for", "[serve]") {
  const EditRequest request = parse_edit_request(
      R"({"faces": [{"face": 1, "edits": {"Male": -1, "Bangs": 0.5}, "source": {"Bald": true, "Male": false}}, {"face": 0, "edits": {}}],
          "region": "exact", "format": "jpeg"})",
      kKnown);
  REQUIRE(request.faces.size() == 2);
  CHECK(request.faces[0].face == 1);
  REQUIRE(request.faces[0].edits.size() == 2);
  CHECK(request.faces[0].edits[0].name == "Male");
  CHECK(request.faces[0].edits[0].strength == -1);
  CHECK(request.faces[0].edits[1].strength == 0.5);
  CHECK(request.faces[0].source == NamedLabels{{"Bald", true}, {"Male", false}});
  CHECK(request.faces[1].edits.empty());
  CHECK_FALSE(request.faces[1].source);
  CHECK(request.region == EditRegion::kExact);
  CHECK(request.format == PictureFormat::kJpeg);
  const EditRequest plain = parse_edit_request(R"({"faces": []})", kKnown);
  CHECK(plain.region == EditRegion::kFree);
  CHECK(plain.format == PictureFormat::kPng);
  CHECK(parse_mask_request(R"({"faces": [], "of": "before"})", kKnown).of == MaskOf::kBefore);
  CHECK(parse_mask_request(R"({"faces": []})", kKnown).of == MaskOf::kAfter);
}

TEST_CASE("what a body says wrongly is told", "[serve]") {
  const auto one = [](const std::string& face) { return R"({"faces": [)" + face + "]}"; };
  const std::string deep(1000, '['), shut(1000, ']');
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"", "the body is no JSON"},
      {"{\"faces\": [", "the body is no JSON"},
      {"{\"faces\": []} x", "the body is no JSON"},
      {"{\"faces\": [], \"of\": \"\xff\"}", "the body is no JSON"},
      {"[]", "the body must be an object, found []"},
      {"{}", "the body must have 'faces'"},
      {R"({"faces": {}})", "faces must be a list, found {}"},
      {R"({"faces": [], "face": []})", "the body: 'face' is none of: faces, region, format"},
      {R"({"faces": [], "faces": []})", "the body names 'faces' twice"},
      {R"({"faces": [], "region": "all"})", "region must be one of free, exact, found \"all\""},
      {R"({"faces": [], "format": 1})", "format must be one of png, jpeg, found 1"},
      {one("0"), "faces[0] must be an object, found 0"},
      {one(R"({"edits": {}})"), "faces[0] must have 'face'"},
      {one(R"({"face": 0})"), "faces[0] must have 'edits'"},
      {one(R"({"face": 0, "edits": {}, "sourc": {}})"), "faces[0]: 'sourc' is none of: face, edits, source"},
      {one(R"({"face": -1, "edits": {}})"), "faces[0].face must be a whole number from 0, found -1"},
      {one(R"({"face": 0.5, "edits": {}})"), "found 0.5"},
      {one(R"({"face": "0", "edits": {}})"), "found \"0\""},
      {one(R"({"face": 0, "edits": []})"), "faces[0].edits must be an object, found []"},
      {one(R"({"face": 0, "edits": {"Male": "1"}})"), "faces[0].edits.Male must be a number, found \"1\""},
      {one(R"({"face": 0, "edits": {"Male": 1, "Male": 0}})"), "the body names 'Male' twice"},
      {one(R"({"face": 0, "edits": {"Male": 1e999}})"), "the body is no JSON: number overflow"},
      {one(R"({"face": 0, "edits": {"Hat": 1}})"), "faces[0]: "},
      {one(R"({"face": 0, "edits": {"Bald": 1, "Bangs": 1}})"), "faces[0]: "},
      {one(R"({"face": 0, "edits": {}, "source": {"Hat": true}})"), "faces[0]: source: "},
      {one(R"({"face": 0, "edits": {}, "source": {"Male": 1}})"), "faces[0].source.Male must be true or false, found 1"},
      {one(R"({"face": 0, "edits": {}, "source": null})"), "faces[0].source must be an object, found null"},
      {deep + shut, "nest"},
      {R"({"faces": )" + std::string(60000, ' ') + deep + shut + "}", "nest"},
  };
  for (const auto& [text, message] : wrong) {
    INFO(text.substr(0, 100));
    CHECK_THROWS_AS(parse_edit_request(text, kKnown), InvalidArgument);
    CHECK_THROWS_WITH(parse_edit_request(text, kKnown), Catch::Contains(message));
  }
  CHECK_THROWS_WITH(parse_mask_request(R"({"faces": [], "region": "free"})", kKnown), Catch::Contains("'region' is none of: faces, of"));
  std::string many;
  for (int i = 0; i < 1001; ++i) many += std::string(i > 0 ? "," : "") + R"({"face": 0, "edits": {}})";
  CHECK_THROWS_WITH(parse_edit_request(one(many), kKnown), Catch::Contains("faces must be at most 1000, found 1001"));
}
