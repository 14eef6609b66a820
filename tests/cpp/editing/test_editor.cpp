#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include "numeric.hpp"
#include "random_bundle.hpp"
#include "secgan/core/error.hpp"
#include "secgan/editing/editor.hpp"
#include "secgan/editing/preview.hpp"
#include "secgan/io/file.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;
namespace fs = std::filesystem;

namespace {

at::Tensor random_photo(int64_t height, int64_t width) { return at::randint(0, 256, {3, height, width}, at::kByte); }

}  // namespace

TEST_CASE("a bundle comes back as it was saved", "[bundle]") {
  const TemporaryFolder folder;
  const Bundle bundle = random_bundle();
  save_bundle(folder.path() / "bundle", bundle);
  Bundle loaded = load_bundle(folder.path() / "bundle");
  CHECK(loaded.info.intensity == 0.5);
  CHECK(loaded.info.attributes == bundle.info.attributes);
  const at::Tensor photo = at::rand({1, 3, 32, 32}), difference = at::ones({1, 9});
  Generator original = bundle.generator;
  CHECK(at::equal(loaded.generator->forward(photo, difference), original->forward(photo, difference)));
  CHECK_FALSE(loaded.generator->is_training());
  CHECK(at::equal(loaded.face_parser().probabilities(photo), bundle.face_parser().probabilities(photo)));
  // Half precision: half the bytes, the same network but for the rounding.
  save_bundle(folder.path() / "half", bundle, Storage::kHalf);
  CHECK(fs::file_size(folder.path() / "half" / "model.safetensors") <
        0.62 * static_cast<double>(fs::file_size(folder.path() / "bundle" / "model.safetensors")));
  Bundle half = load_bundle(folder.path() / "half");
  CHECK(max_difference(half.generator->forward(photo, difference), original->forward(photo, difference)) < 0.01);
  fs::remove_all(folder.path() / "half");
  // Saving over it replaces it and leaves nothing beside it.
  save_bundle(folder.path() / "bundle", loaded);
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator{}) == 1);
}

TEST_CASE("a bundle that does not fit is refused with file and reason", "[bundle]") {
  const TemporaryFolder folder;
  const fs::path bundle = folder.path() / "bundle";
  save_bundle(bundle, random_bundle());
  const std::string config = read_file(bundle / "config.json");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = config;
    const size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    write_file(bundle / "config.json", text.replace(at, from.size(), to));
  };
  with("\"format_version\": 1", "\"format_version\": 2");
  CHECK_THROWS_WITH(load_bundle(bundle), Catch::Contains("config.json: bundle format 2 is not the one"));
  with("\"enc_dim\": 4", "\"enc_dim\": 8");
  CHECK_THROWS_WITH(load_bundle(bundle),
                    Catch::Contains("model.safetensors: tensor 'generator.enc_layers.0.layers.0.weight' has shape [4, 3, 4, 4]"));
  with("\"enc_dim\": 4", "\"enc_dym\": 4");
  CHECK_THROWS_WITH(load_bundle(bundle), Catch::Contains("unknown key 'enc_dym'; known: enc_dim"));
  with("\"attgan\": {", "\"attgan\": 3, \"x\": {");
  CHECK_THROWS_AS(load_bundle(bundle), Error);
  write_file(bundle / "config.json", "{ not json");
  CHECK_THROWS_WITH(load_bundle(bundle), Catch::Contains("config.json: not JSON"));
  CHECK_THROWS_AS(load_bundle(folder.path() / "nowhere"), FileNotFound);
  write_file(bundle / "config.json", config);
  const std::string weights = read_file(bundle / "model.safetensors");
  write_file(bundle / "model.safetensors", weights.substr(0, weights.size() / 2));
  CHECK_THROWS_WITH(load_bundle(bundle), Catch::Contains("model.safetensors"));
}

TEST_CASE("an edit is what the generator makes of the cropped, resized photo", "[editing]") {
  Editor editor(random_bundle());
  torch::manual_seed(2);
  const at::Tensor photo = random_photo(32, 48);
  const at::Tensor source = at::zeros({9});
  const EditedPhoto edited = editor.edit(photo, {{"Eyeglasses", 0.8}}, source);
  CHECK(edited.photo.sizes() == at::IntArrayRef({3, 32, 32}));
  CHECK(at::equal(edited.crop, photo.narrow(2, 8, 32)));
  CHECK(edited.difference[4].item<float>() == Approx(0.8));
  at::Tensor difference = at::zeros({1, 9});
  difference[0][4] = 0.8 * 0.5;  // the bundle's intensity
  Generator generator = editor.bundle().generator;
  CHECK(at::equal(edited.photo, to_bytes(generator->forward(to_float(edited.crop).unsqueeze(0), difference))[0]));
}

TEST_CASE("photos of any size come back at their crop's size, in both ways of upscaling", "[editing]") {
  Editor editor(random_bundle());
  const at::Tensor photo = random_photo(100, 70);
  CHECK(editor.edit(photo, {{"Male", 1}}).photo.sizes() == at::IntArrayRef({3, 70, 70}));
  // No change asked for: detail keeps the photo to the byte, resizing does not.
  const at::Tensor source = at::zeros({9});
  const EditedPhoto detail = editor.edit(photo, {{"Male", 0}}, source, Upscaling::kDetail);
  CHECK(at::equal(detail.photo, detail.crop));
  CHECK_FALSE(at::equal(editor.edit(photo, {{"Male", 0}}, source).photo, detail.crop));
  CHECK(editor.parse(photo).sizes() == at::IntArrayRef({70, 70}));
}

TEST_CASE("source attributes are the classifier's unless given", "[editing]") {
  Editor editor(random_bundle());
  const at::Tensor photo = random_photo(32, 32);
  const at::Tensor seen = (editor.predict(photo) > 0.5).to(at::kFloat);
  CHECK(at::equal(editor.edit(photo, {{"Bald", 1}}).source, seen));
  const at::Tensor given = 1 - seen;
  CHECK(at::equal(editor.edit(photo, {{"Mustache", 1}}, given).source, given));
  Bundle bundle = random_bundle();
  bundle.classifier = AttributeClassifier(nullptr);
  Editor blind(bundle);
  CHECK_THROWS_WITH(blind.edit(photo, {{"Bald", 1}}), Catch::Contains("no classifier"));
  CHECK_THROWS_WITH(blind.edit(photo, {{"Beard", 1}}, given), Catch::Contains("attribute 'Beard' is unknown; known: Bald, Bangs"));
  CHECK_THROWS_WITH(blind.edit(at::zeros({1, 4, 4}, at::kByte), {{"Bald", 1}}, given), Catch::Contains("photo must be [3, H, W]"));
}

TEST_CASE("a preview has a photo row and a mask row per face", "[editing]") {
  const at::Tensor grid = preview(random_bundle(), at::zeros({2, 3, 32, 32}), at::zeros({2, 9}));
  CHECK(grid.sizes() == at::IntArrayRef({3, 4 * 34 - 2, 11 * 34 - 2}));
}
