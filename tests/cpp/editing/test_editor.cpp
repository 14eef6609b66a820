#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "random_bundle.hpp"
#include "secgan/core/error.hpp"
#include "secgan/editing/editor.hpp"
#include "secgan/editing/preview.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

at::Tensor random_photo(int64_t height, int64_t width) { return at::randint(0, 256, {3, height, width}, at::kByte); }

}  // namespace

TEST_CASE("an edit is what the generator makes of the cropped, resized photo", "[editing]") {
  const Editor editor(random_bundle());
  torch::manual_seed(2);
  const at::Tensor photo = random_photo(32, 48);
  const EditedPhoto edited = editor.edit(photo, {{"Eyeglasses", 0.8}}, {.source = NamedLabels{}});
  CHECK(edited.photo.sizes() == at::IntArrayRef({3, 32, 32}));
  CHECK(at::equal(edited.crop, photo.narrow(2, 8, 32)));
  CHECK(edited.difference[4].first == "Eyeglasses");
  CHECK(edited.difference[4].second == Approx(0.8));
  at::Tensor difference = at::zeros({1, 9});
  difference[0][4] = 0.8 * 0.5;  // the bundle's intensity
  Generator generator = editor.bundle().generator;
  CHECK(at::equal(edited.photo, to_bytes(generator->forward(to_float(edited.crop).unsqueeze(0), difference))[0]));
}

TEST_CASE("photos of any size come back at their crop's size, in both ways of upscaling", "[editing]") {
  const Editor editor(random_bundle());
  const at::Tensor photo = random_photo(100, 70);
  CHECK(editor.edit(photo, {{"Male", 1}}).photo.sizes() == at::IntArrayRef({3, 70, 70}));
  // No change asked for: detail keeps the photo to the byte, resizing does not.
  const EditedPhoto detail = editor.edit(photo, {{"Male", 0}}, {.source = NamedLabels{}, .upscaling = Upscaling::kDetail});
  CHECK(at::equal(detail.photo, detail.crop));
  CHECK_FALSE(at::equal(editor.edit(photo, {{"Male", 0}}, {.source = NamedLabels{}}).photo, detail.crop));
  CHECK(editor.parse(photo).sizes() == at::IntArrayRef({70, 70}));
}

TEST_CASE("source attributes are the classifier's unless given", "[editing]") {
  const Editor editor(random_bundle());
  const at::Tensor photo = random_photo(32, 32);
  NamedLabels seen, given;
  for (const auto& [name, probability] : editor.predict(photo)) {
    seen.emplace_back(name, probability > 0.5);
    given.emplace_back(name, !(probability > 0.5));
  }
  CHECK(editor.edit(photo, {{"Bald", 1}}).source == seen);
  CHECK(editor.edit(photo, {{"Mustache", 1}}, {.source = given}).source == given);
  Bundle bundle = random_bundle();
  bundle.classifier = AttributeClassifier(nullptr);
  const Editor blind(bundle);
  CHECK_THROWS_WITH(blind.edit(photo, {{"Bald", 1}}), Catch::Contains("no classifier"));
  CHECK_THROWS_WITH(blind.edit(photo, {{"Beard", 1}}, {.source = given}),
                    Catch::Contains("attribute 'Beard' is unknown; known: Bald, Bangs"));
  CHECK_THROWS_WITH(blind.edit(at::zeros({1, 4, 4}, at::kByte), {{"Bald", 1}}, {.source = given}),
                    Catch::Contains("photo must be [3, H, W]"));
}

TEST_CASE("many photos at once are edited as one by one", "[editing]") {
  const Editor editor(random_bundle());
  torch::manual_seed(4);
  std::vector<at::Tensor> photos;
  // More than the networks see at once, of sizes of their own.
  for (int64_t i = 0; i < 19; ++i) photos.push_back(random_photo(30 + 3 * i, 60 - i));
  const std::vector<AttributeEdit> edits{{"Bald", 1}, {"Eyeglasses", -0.5}};
  for (const EditOptions& options :
       {EditOptions{}, EditOptions{.upscaling = Upscaling::kDetail}, EditOptions{.source = NamedLabels{{"Bangs", true}}}}) {
    const std::vector<EditedPhoto> together = editor.edit(photos, edits, options);
    REQUIRE(together.size() == photos.size());
    for (size_t i = 0; i < photos.size(); ++i) {
      CAPTURE(i);
      const EditedPhoto alone = editor.edit(photos[i], edits, options);
      CHECK(at::equal(together[i].crop, alone.crop));
      CHECK(together[i].source == alone.source);
      CHECK(together[i].difference == alone.difference);
      REQUIRE(together[i].photo.sizes() == alone.crop.sizes());
      CHECK((together[i].photo.to(at::kInt) - alone.photo.to(at::kInt)).abs().max().item<int64_t>() <= 1);
    }
    // Not vacuous: the edits of two photos are far apart.
    const at::Tensor first = resize_image(together[0].photo, 16, 16), second = resize_image(together[1].photo, 16, 16);
    CHECK((first.to(at::kInt) - second.to(at::kInt)).abs().max().item<int64_t>() > 3);
  }
  CHECK(editor.edit(std::vector<at::Tensor>{}, edits).empty());
  photos[17] = at::zeros({1, 4, 4}, at::kByte);
  CHECK_THROWS_WITH(editor.edit(photos, edits), Catch::Contains("photo must be [3, H, W]"));
}

TEST_CASE("a photo's attributes are given by name, in any order; what is not named is not there", "[editing]") {
  const Editor editor(random_bundle());
  torch::manual_seed(5);
  const at::Tensor photo = random_photo(32, 32);
  const EditedPhoto edited =
      editor.edit(photo, {{"Eyeglasses", 1}, {"Bald", 1}}, {.source = NamedLabels{{"Eyeglasses", true}, {"Male", false}, {"Bangs", true}}});
  REQUIRE(edited.source.size() == 9);
  for (size_t a = 0; a < 9; ++a) {
    const std::string& name = synthetic_attribute_names()[a];
    CAPTURE(name);
    CHECK(edited.source[a] == std::pair<std::string, bool>(name, name == "Eyeglasses" || name == "Bangs"));
    // There already; asked for; excluded by what is asked for.
    const double expected = name == "Bald" ? 1 : name == "Bangs" ? -1 : 0;
    CHECK(edited.difference[a] == std::pair<std::string, double>(name, expected));
  }
  CHECK_THROWS_WITH(editor.edit(photo, {{"Bald", 1}}, {.source = NamedLabels{{"Beard", true}}}),
                    Catch::StartsWith("source: attribute 'Beard' is unknown; known: Bald, Bangs, "));
  CHECK_THROWS_WITH(editor.edit(photo, {{"Bald", 1}}, {.source = NamedLabels{{"Male", true}, {"Bangs", true}, {"Male", true}}}),
                    "source: attribute 'Male' is given twice");
  CHECK_THROWS_WITH(editor.edit(photo, {{"Bald", 1}, {"Bald", -1}}, {.source = NamedLabels{}}),
                    Catch::Contains("attribute 'Bald' is given twice"));
}

TEST_CASE("a picture that is cropped already is parsed as it is", "[editing]") {
  Bundle bundle = random_bundle();
  bundle.info.crop = "box:4,2,20,30";
  const Editor editor(bundle);
  torch::manual_seed(6);
  const at::Tensor photo = random_photo(40, 50), crop = editor.crop(photo);
  CHECK(at::equal(crop, photo.slice(1, 2, 32).slice(2, 4, 24)));
  CHECK(at::equal(editor.parse_cropped(crop), editor.parse(photo)));
  CHECK(editor.parse_cropped(crop).sizes() == at::IntArrayRef({30, 20}));
}

TEST_CASE("a preview has a photo row and a mask row per face", "[editing]") {
  const at::Tensor grid = preview(random_bundle(), at::zeros({2, 3, 32, 32}), at::zeros({2, 9}));
  CHECK(grid.sizes() == at::IntArrayRef({3, 4 * 34 - 2, 11 * 34 - 2}));
}
