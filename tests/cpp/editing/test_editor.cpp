#include <ATen/Context.h>
#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <cmath>

#include "core/format.hpp"
#include "random_bundle.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/fast_paths.hpp"
#include "secgan/editing/editor.hpp"
#include "secgan/editing/preview.hpp"
#include "secgan/editing/regions.hpp"

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
  const auto nothing = [&](Upscaling upscaling) {
    return editor.edit(photo, {{"Male", 0}}, {.source = NamedLabels{}, .upscaling = upscaling}).photo;
  };
  const at::Tensor crop = editor.crop(photo);
  CHECK(at::equal(nothing(Upscaling::kDetail), crop));
  CHECK_FALSE(at::equal(nothing(Upscaling::kResize), crop));
  // By itself the editor keeps detail where the network sees less than the photo has.
  CHECK(at::equal(nothing(Upscaling::kAuto), crop));
  const at::Tensor small = random_photo(32, 32);
  CHECK_FALSE(at::equal(editor.edit(small, {{"Male", 0}}, {.source = NamedLabels{}}).photo, small));
  CHECK(editor.parse(photo).sizes() == at::IntArrayRef({70, 70}));
}

TEST_CASE("one photo in several ways is the same as each edit alone, beyond one batch", "[editing]") {
  const Editor editor(random_bundle());
  torch::manual_seed(4);
  const at::Tensor photo = random_photo(50, 70);
  std::vector<std::vector<AttributeEdit>> ways;
  for (int i = 0; i < 19; ++i) ways.push_back({{"Eyeglasses", 0.1 * i}, {i % 2 == 0 ? "Male" : "Mustache", 1}});
  const EditOptions how{.source = NamedLabels{{"Bangs", true}}};
  const std::vector<EditedPhoto> edited = editor.edit_each(photo, ways, how);
  REQUIRE(edited.size() == ways.size());
  for (size_t i = 0; i < ways.size(); ++i) {
    CAPTURE(i);
    const EditedPhoto alone = editor.edit(photo, ways[i], how);
    CHECK((edited[i].photo.to(at::kInt) - alone.photo.to(at::kInt)).abs().max().item<int>() <= 1);
    CHECK(edited[i].difference == alone.difference);
    CHECK(edited[i].source == alone.source);
    CHECK(edited[i].place == alone.place);
    CHECK(at::equal(edited[i].crop, alone.crop));
    CHECK(edited[i].provenance == alone.provenance);
  }
  CHECK(editor.edit_each(photo, {}, how).empty());
  // Seen by the classifier once, for all ways.
  CHECK(editor.edit_each(photo, ways).back().source == editor.edit(photo, ways.back()).source);
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
       {EditOptions{}, EditOptions{.upscaling = Upscaling::kResize}, EditOptions{.source = NamedLabels{{"Bangs", true}}}}) {
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

TEST_CASE("a photo's attributes are given by name, in any order, what is not named is not there", "[editing]") {
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

TEST_CASE("a crop of one data set's pixels fits photos of every size, and one of the caller's is taken as it is", "[editing]") {
  Bundle bundle = random_bundle();
  bundle.info.crop = "center:170";
  bundle.info.photo_size = "178x218";
  const Editor editor(bundle);
  torch::manual_seed(7);
  for (const int64_t side : {128, 160, 512}) {
    const EditedPhoto edited = editor.edit(random_photo(side, side), {{"Male", 1}});
    CHECK(edited.place == Rect{0, 0, side, side});
    CHECK(edited.photo.sizes() == at::IntArrayRef({3, side, side}));
  }
  const at::Tensor photo = random_photo(218, 178);
  CHECK(at::equal(editor.edit(photo, {{"Male", 1}}).crop, photo.slice(1, 24, 194).slice(2, 4, 174)));
  const Crop own = parse_crop("box:10,20,60,70");
  CHECK(at::equal(editor.edit(photo, {{"Male", 1}}, {.crop = own}).crop, photo.slice(1, 20, 90).slice(2, 10, 70)));
  CHECK(editor.parse(photo, own).sizes() == at::IntArrayRef({70, 60}));
  CHECK(editor.predict(photo, own) != editor.predict(photo));
  CHECK_THROWS_WITH(editor.edit(photo, {{"Male", 1}}, {.crop = parse_crop("center:200")}),
                    Catch::Contains("200 x 200") && Catch::Contains("178 x 218"));
  bundle.info.photo_size = "big";
  CHECK_THROWS_WITH(Editor(bundle), Catch::Contains("photo_size 'big'"));
}

TEST_CASE("the whole photo comes back with the edit in its place", "[editing]") {
  const Editor editor(random_bundle());
  torch::manual_seed(8);
  const at::Tensor photo = random_photo(96, 200);
  const EditedPhoto edited = editor.edit(photo, {{"Male", 1}}, {.source = NamedLabels{}});
  REQUIRE(edited.place == Rect{52, 0, 96, 96});
  const at::Tensor whole = whole_photo(photo, edited);
  REQUIRE(whole.sizes() == photo.sizes());
  CHECK(at::equal(whole.slice(2, 0, 52), photo.slice(2, 0, 52)));
  CHECK(at::equal(whole.slice(2, 148), photo.slice(2, 148)));
  // A sixteenth of the crop, six pixels, is blended where it ends inside the photo: left and right, not above and below.
  CHECK(at::equal(whole.slice(2, 58, 142), edited.photo.slice(2, 6, 90)));
  const at::Tensor before = photo.slice(2, 54, 55).to(at::kFloat), after = edited.photo.slice(2, 2, 3).to(at::kFloat);
  CHECK(at::equal(whole.slice(2, 54, 55), (before + (after - before) * (2.5 / 6)).round().to(at::kByte)));
  // A crop that is the photo replaces it.
  const at::Tensor square = random_photo(40, 40);
  const EditedPhoto all = editor.edit(square, {{"Male", 1}});
  CHECK(at::equal(whole_photo(square, all), all.photo));
  CHECK_THROWS_WITH(whole_photo(square, edited), Catch::Contains("40 x 40"));
}

TEST_CASE("what a person should know of an edit is said, and only that", "[editing]") {
  const Editor editor(random_bundle());
  torch::manual_seed(9);
  const at::Tensor photo = random_photo(32, 32);
  const auto notes = [&](const at::Tensor& of, std::vector<AttributeEdit> edits, NamedLabels source = {}) {
    return editor.edit(of, edits, {.source = std::move(source)}).notes;
  };
  const auto one = [&](const std::vector<std::string>& notes) {
    return notes.size() == 1 ? notes[0] : fmt::format("{} notes", notes.size());
  };
  CHECK(notes(photo, {{"Male", 1}, {"Bald", 2}, {"Eyeglasses", 0}}).empty());
  CHECK_THAT(one(notes(photo, {{"Male", 50}})), Catch::Contains("strength 50 of Male"));
  CHECK_THAT(one(notes(photo, {{"Male", -2.5}}, {{"Male", true}})), Catch::Contains("strength -2.5 of Male"));
  CHECK_THAT(one(notes(photo, {{"Male", 1}}, {{"Male", true}})), Catch::Contains("Male is in the photo already, as source says"));
  CHECK_THAT(one(notes(photo, {{"Bald", 1}, {"Male", -1}})), Catch::Contains("Male is not in the photo anyway"));
  CHECK_THAT(one(notes(random_photo(15, 15), {{"Male", 1}})), Catch::Contains("15 x 15") && Catch::Contains("32 x 32"));
  CHECK(notes(random_photo(16, 16), {{"Male", 1}}).empty());
  // Networks of random weights rebuild no photo.
  CHECK_THAT(one(notes(at::zeros({3, 64, 64}, at::kByte), {{"Male", 1}})), Catch::Contains("unlike those that the bundle was trained on"));
  Bundle drawn = random_bundle();
  drawn.info.trained_on = std::string(kDrawnFaces);
  CHECK_THAT(one(Editor(drawn).edit(photo, {{"Male", 1}}, {.source = NamedLabels{}}).notes), Catch::Contains("(drawn faces)"));
}

TEST_CASE("an edit that is not finite is refused", "[editing]") {
  const Editor editor(random_bundle());
  const at::Tensor photo = random_photo(32, 32);
  CHECK_THROWS_WITH(editor.edit(photo, {{"Male", std::nan("")}}, {.source = NamedLabels{}}), Catch::Contains("must be finite"));
  CHECK_THROWS_WITH(editor.edit(photo, {{"Male", 1e39}}, {.source = NamedLabels{}}),
                    Catch::Contains("must lie in [-100, 100], found 1e+39"));
  Bundle damaged = random_bundle();
  at::NoGradGuard no_grad;
  damaged.generator->parameters().front().flatten()[0].fill_(std::nan(""));
  CHECK_THROWS_WITH(Editor(damaged).edit(photo, {{"Male", 1}}, {.source = NamedLabels{}}),
                    Catch::Contains("not finite") && Catch::Contains("Male=1"));
}

TEST_CASE("a preview has a photo row and a mask row per face", "[editing]") {
  const at::Tensor grid = preview(random_bundle(), at::zeros({2, 3, 32, 32}), at::zeros({2, 9}));
  CHECK(grid.sizes() == at::IntArrayRef({3, 4 * 34 - 2, 11 * 34 - 2}));
}

TEST_CASE("every engine makes the plain modules' edits, alone and with a reconstruction", "[editing][engine]") {
  torch::manual_seed(4);
  std::vector<at::Tensor> photos;
  for (int i = 0; i < 9; ++i) photos.push_back(random_photo(32, 32));
  photos.push_back(random_photo(80, 70));  // larger than the network's side: the edit is a change of the photo
  const auto edits_by = [&](Engine engine, bool fast) {
    const FastPathsGuard guard(fast);
    const Editor editor(random_bundle(), {.engine = engine});
    std::vector<EditedPhoto> edits;
    for (const at::Tensor& photo : photos) edits.push_back(editor.edit(photo, {{"Male", 1}}, {.source = NamedLabels{}}));
    return std::pair(edits, editor.engine());
  };
  const auto [plain, plain_name] = edits_by(Engine::kLibtorch, false);
  CHECK(plain_name == available_engines()[0]);
  std::vector<Engine> engines{Engine::kLibtorch, Engine::kAuto};
  if (available_engines().size() > 1) {
    engines.push_back(Engine::kOpenvino);
  } else {
    WARN("skipped: the engine openvino is not there (pip install openvino before the build)");
    CHECK_THROWS_WITH(Editor(random_bundle(), {.engine = Engine::kOpenvino}), Catch::Contains("there is libtorch"));
  }
  for (const Engine engine : engines) {
    const auto [fast, name] = edits_by(engine, true);
    INFO(name);
    CHECK(name != plain_name);  // compiled, after the first eight photos at the latest
    for (size_t i = 0; i < plain.size(); ++i) {
      // A rounding error may cross the border between two levels.
      CHECK((fast[i].photo.to(at::kInt) - plain[i].photo.to(at::kInt)).abs().max().item<int>() <= 1);
      CHECK((fast[i].photo != plain[i].photo).to(at::kFloat).mean().item<double>() < 1e-3);
    }
  }
}

TEST_CASE("an editor that never compiles, or at once, edits the last photo as the first", "[editing][engine]") {
  torch::manual_seed(5);
  const at::Tensor photo = random_photo(32, 32);
  const auto edit = [&](const Editor& editor) { return editor.edit(photo, {{"Male", 1}}, {.source = NamedLabels{}}).photo; };
  for (const Compiling compiling : {Compiling::kNever, Compiling::kAtOnce}) {
    const Editor editor(random_bundle(), {.engine = Engine::kLibtorch, .compiling = compiling});
    const at::Tensor first = edit(editor);
    const std::string engine = editor.engine();
    CHECK((engine == available_engines()[0]) == (compiling == Compiling::kNever));
    for (int i = 0; i < 12; ++i) REQUIRE(at::equal(edit(editor), first));
    CHECK(editor.engine() == engine);
    CHECK(editor.options().compiling == compiling);
  }
}

TEST_CASE("where oneDNN is turned off the plain modules edit many photos, too", "[editing][engine]") {
  struct WithoutOneDnn {
    WithoutOneDnn() { at::globalContext().setUserEnabledMkldnn(false); }
    ~WithoutOneDnn() { at::globalContext().setUserEnabledMkldnn(true); }
  };
  const std::vector<at::Tensor> photos(16, random_photo(32, 32));
  const Editor editor(random_bundle(), {.engine = Engine::kLibtorch});
  const at::Tensor first = editor.edit(photos[0], {{"Male", 1}}, {.source = NamedLabels{}}).photo;
  const WithoutOneDnn guard;
  for (int i = 0; i < 2; ++i) {
    const std::vector<EditedPhoto> edits = editor.edit(photos, {{"Male", 1}}, {.source = NamedLabels{}});
    CHECK((edits.back().photo.to(at::kInt) - first.to(at::kInt)).abs().max().item<int>() <= 1);
  }
  CHECK(editor.engine() == available_engines()[0]);
}

TEST_CASE("weights that change after the first edits are seen by every engine", "[editing][engine]") {
  for (const Engine engine : {Engine::kLibtorch, Engine::kAuto}) {
    Editor editor(random_bundle(), {.engine = engine});
    const std::vector<at::Tensor> photos(16, random_photo(32, 32));
    const at::Tensor before = editor.edit(photos, {{"Male", 1}}, {.source = NamedLabels{}})[0].photo;
    {
      const torch::NoGradGuard no_grad;
      Generator generator = editor.bundle().generator;
      for (at::Tensor& parameter : generator->parameters()) parameter.zero_();
    }
    CHECK(editor.edit(photos, {{"Male", 1}}, {.source = NamedLabels{}})[0].photo.to(at::kFloat).std().item<double>() == 0);
    CHECK(before.to(at::kFloat).std().item<double>() > 0);
  }
}

TEST_CASE("an exact edit leaves every pixel outside of its region as it was", "[editing]") {
  const Editor editor(random_bundle());
  torch::manual_seed(7);
  for (const int64_t side : {32, 90}) {
    const at::Tensor photo = random_photo(side, side);
    const EditOptions free{.source = NamedLabels{}}, exact{.source = NamedLabels{}, .region = EditRegion::kExact};
    const at::Tensor all = editor.edit(photo, {{"Eyeglasses", 1}}, free).photo;
    const EditedPhoto kept = editor.edit(photo, {{"Eyeglasses", 1}}, exact);
    // The region by hand: the classes of eyeglasses before and after, and one pixel and a half around them.
    const at::Tensor before = editor.parse(resize_image(photo, 32, 32)).unsqueeze(0).to(at::kLong);
    Generator mask_generator = editor.bundle().mask_generator;
    at::Tensor difference = at::zeros({1, 9});
    difference[0][4] = 0.5;
    const at::Tensor after = mask_generator->forward(at::one_hot(before, 12).permute({0, 3, 1, 2}).to(at::kFloat), difference).argmax(1);
    const at::Tensor region = touchable(before, after, "Eyeglasses", 2)[0];
    const at::Tensor wide = at::upsample_nearest2d(region.to(at::kFloat).view({1, 1, 32, 32}), {side, side})[0][0] > 0;
    const at::Tensor changed = kept.photo.ne(photo).any(0);
    REQUIRE(wide.any().item<bool>());
    REQUIRE_FALSE(wide.all().item<bool>());
    CHECK_FALSE(changed.logical_and(~wide).any().item<bool>());
    CHECK(changed.any().item<bool>());
    const at::Tensor full = region_weights(region, side, side).ge(1).expand_as(photo);
    CHECK(at::equal(kept.photo.masked_select(full), all.masked_select(full)));
  }
  // Nothing asked for, nothing changed, whatever the network makes of it.
  const at::Tensor photo = random_photo(32, 32);
  CHECK(at::equal(editor.edit(photo, {{"Male", 0}}, {.source = NamedLabels{}, .region = EditRegion::kExact}).photo, photo));
}

TEST_CASE("an exact edit says what it lacks", "[editing]") {
  Bundle bundle = random_bundle();
  const at::Tensor photo = random_photo(32, 32);
  const EditOptions exact{.source = NamedLabels{}, .region = EditRegion::kExact};
  bundle.mask_generator = Generator(nullptr);
  CHECK_THROWS_WITH(Editor(bundle).edit(photo, {{"Male", 1}}, exact),
                    "region exact needs a parser and a mask generator: the bundle has no mask generator");
  bundle.parser.reset();
  CHECK_THROWS_WITH(Editor(bundle).edit(photo, {{"Male", 1}}, exact),
                    "region exact needs a parser and a mask generator: the bundle has no parser and no mask generator");
}
