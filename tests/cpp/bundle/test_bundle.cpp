#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <limits>
#include <nlohmann/json.hpp>
#include <thread>

#include "numeric.hpp"
#include "random_bundle.hpp"
#include "secgan/bundle/bundle.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/safetensors.hpp"
#include "secgan/models/callable.hpp"
#include "secgan/nn/state.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;
namespace fs = std::filesystem;

namespace {

/// With one value of its config.json changed.
void check_refused(const fs::path& bundle, nlohmann::json config, const char* path, const nlohmann::json& value, const std::string& file,
                   const std::string& message) {
  config[nlohmann::json::json_pointer(path)] = value;
  write_file(bundle / "config.json", config.dump());
  INFO(path);
  CHECK_THROWS_AS(load_bundle(bundle), Error);
  CHECK_THROWS_WITH(load_bundle(bundle), Catch::Contains(file) && Catch::Contains(message));
}

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
  CHECK(at::equal(loaded.parser->probabilities(photo), bundle.parser->probabilities(photo)));
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

TEST_CASE("the current folder is no bundle without a name", "[bundle]") {
  CHECK_THROWS_WITH(load_bundle(""), "a bundle's folder needs a name, found none");
  CHECK_THROWS_WITH(load_bundle_info(""), "a bundle's folder needs a name, found none");
}

TEST_CASE("a bundle takes the place of a bundle and of nothing else", "[bundle]") {
  const TemporaryFolder folder;
  const Bundle bundle = random_bundle();
  const fs::path place = folder / "place";
  const auto refused = [&](const std::string& reason) {
    CHECK_THROWS_WITH(require_bundle_place(place), Catch::Contains(place.string()) && Catch::Contains(reason));
    CHECK_THROWS_WITH(save_bundle(place, bundle), Catch::Contains(reason));
  };
  folder.write("place/.git/HEAD", "ref: refs/heads/main");
  refused("holds '.git', which is no part of a bundle");
  fs::remove_all(place);
  // Transformers' models have the same two names.
  folder.write("place/config.json", R"({"architectures": ["BertModel"], "transformers_version": "4.1"})");
  folder.write("place/model.safetensors", "theirs");
  refused("its config.json is not a bundle's");
  fs::remove(place / "config.json");
  refused("its config.json is not a bundle's");
  fs::remove_all(place);
  fs::create_directory(place);
  save_bundle(place, bundle);
  CHECK_NOTHROW(require_bundle_place(place));
  save_bundle(place, bundle);
  folder.write("place/notes.txt", "what I trained");
  refused("holds 'notes.txt'");
  fs::remove(place / "notes.txt");
  fs::rename(place / "model.safetensors", folder / "blob");
  fs::create_symlink(folder / "blob", place / "model.safetensors");
  refused("holds a 'model.safetensors' that is no regular file");
  CHECK(entries(place) == 3);
  CHECK(entries(folder.path()) == 2);
}

TEST_CASE("a bundle has a card, and one that somebody wrote stays", "[bundle]") {
  const TemporaryFolder folder;
  const fs::path place = folder / "place", file = place / "README.md";
  Bundle bundle = random_bundle();
  bundle.info.license = "MIT";
  bundle.info.trained_on = "drawn faces";
  save_bundle(place, bundle);
  const std::string card = read_file(file);
  // What the Hub reads stands between two lines of dashes.
  CHECK(card.starts_with("---\nlibrary_name: secgan\npipeline_tag: image-to-image\nlicense: mit\ntags:\n- secgan\n"));
  CHECK(card.find("\n---\n\n<!-- written by secgan") != std::string::npos);
  for (const std::string& name : bundle.info.attributes) CHECK(card.find(name) != std::string::npos);
  CHECK(card.find("| trained on | drawn faces |") != std::string::npos);
  // A new bundle has a new card.
  bundle.info.license = "for \"research\": only";
  save_bundle(place, bundle);
  CHECK(read_file(file).find("license: other\nlicense_name: \"for \\\"research\\\": only\"\n") != std::string::npos);
  folder.write("place/README.md", "what I trained");
  save_bundle(place, bundle);
  CHECK(read_file(file) == "what I trained");
  save_bundle(folder / "elsewhere", load_bundle(place));
  CHECK(read_file(folder / "elsewhere" / "README.md") == "what I trained");
  // What a table's cell cannot hold is no end of it.
  bundle.info.trained_on = "faces | of\nmine";
  save_bundle(folder / "cells", bundle);
  CHECK(read_file(folder / "cells" / "README.md").find("| trained on | faces \\| of mine |\n") != std::string::npos);
  // A parser's bundle edits nothing, and does not say so.
  bundle.generator = bundle.mask_generator = Generator(nullptr);
  bundle.info.attributes.clear();
  bundle.classifier = AttributeClassifier(nullptr);
  save_bundle(folder / "parser", bundle);
  const std::string of_parser = read_file(folder / "parser" / "README.md");
  CHECK(of_parser.find("pipeline_tag") == std::string::npos);
  CHECK(of_parser.find("secgan edit") == std::string::npos);
}

TEST_CASE("a bundle that is replaced while it is read comes from one of both", "[bundle]") {
  const TemporaryFolder folder;
  const fs::path place = folder / "bundle";
  const auto save = [&](double value) {
    Bundle bundle;
    bundle.info = {.image_size = 32, .attributes = {"Male"}, .intensity = value};
    bundle.classifier = make_classifier({.attributes = 1, .image_size = 32, .options = {.dim = 4}});
    const at::NoGradGuard no_grad;
    for (at::Tensor tensor : bundle.classifier->parameters()) tensor.fill_(value);
    save_bundle(place, bundle);
  };
  save(1);
  std::atomic<bool> stop{false};
  std::thread saver([&] {
    for (int k = 0; !stop; ++k) save(1 + k % 2);
  });
  int mixed = 0;
  for (int k = 0; k < 60; ++k) {
    const Bundle loaded = load_bundle(place);
    mixed += loaded.classifier->parameters()[0].flatten()[0].item<double>() == loaded.info.intensity ? 0 : 1;
  }
  stop = true;
  saver.join();
  CHECK(mixed == 0);
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
  with("\"format_version\": 1", "\"format_version\": \"1\"");
  CHECK_THROWS_WITH(load_bundle(bundle), Catch::Contains("config.json: format_version must be the integer 1, found \"1\""));
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

TEST_CASE("a bundle of the first versions loads, license and parser settings included", "[bundle]") {
  const TemporaryFolder folder;
  const fs::path path = folder / "bundle";
  Bundle bundle = random_bundle();
  const at::Tensor photo = at::rand({1, 3, 32, 32});
  save_bundle(path, bundle);
  write_file(path / "config.json", R"({
  "format_version": 1,
  "info": {
    "attributes": ["Bald", "Bangs", "Black_Hair", "Blond_Hair", "Eyeglasses", "Male", "Mouth_Slightly_Open", "Mustache", "Pale_Skin"],
    "conditioning": "signed-labels",
    "crop": "center:170",
    "image_size": 32,
    "intensity": 0.5,
    "licence": "MIT, as they say",
    "parser_input_size": 64,
    "parser_labels": "secgan-12",
    "parser_normalization": "imagenet"
  },
  "networks": {
    "classifier": {"attributes": 9, "dim": 4, "image_size": 32, "max_dim": 192},
    "generator": {
      "attgan": {
        "dec_acti_fn": "relu",
        "dec_dim": 4,
        "dec_layers": 2,
        "dec_norm_fn": "batchnorm",
        "enc_acti_fn": "lrelu",
        "enc_dim": 4,
        "enc_layers": 2,
        "enc_norm_fn": "batchnorm",
        "inject_layers": 0,
        "max_dim": 1024,
        "shortcut_layers": 1,
        "slope": 0.01,
        "upsampling": "transposed"
      },
      "attributes": 9,
      "backbone": "attgan",
      "image_channels": 3,
      "image_size": 32,
      "output": "tanh"
    },
    "mask_generator": {
      "attgan": {"dec_dim": 4, "dec_layers": 2, "enc_dim": 4, "enc_layers": 2},
      "attributes": 9,
      "backbone": "attgan",
      "image_channels": 12,
      "image_size": 32,
      "output": "logits"
    },
    "parser": {"classes": 12, "network": "unet", "unet": {"dim": 4, "levels": 2}}
  }
}
)");
  CHECK(load_bundle_info(path).license == "MIT, as they say");
  Bundle loaded = load_bundle(path);
  CHECK(loaded.info.license == "MIT, as they say");
  CHECK(loaded.info.conditioning == Conditioning::kSignedLabels);
  CHECK(loaded.info.crop == "center:170");
  REQUIRE(loaded.parser.has_value());
  CHECK(loaded.parser->options().labels == Labels::kSecgan12);
  CHECK(loaded.parser->options().normalization == PhotoNormalization::kImagenet);
  CHECK(loaded.parser->options().input_size == 64);
  CHECK(loaded.mask_generator->spec().output == OutputActivation::kLogits);
  CHECK(at::equal(loaded.generator->forward(photo, at::ones({1, 9})), bundle.generator->forward(photo, at::ones({1, 9}))));
  CHECK(at::equal(loaded.parser->network()->forward(photo), bundle.parser->network()->forward(photo)));
  // Saved again it says "license", and the parser's settings stay.
  save_bundle(path, loaded);
  const auto config = nlohmann::json::parse(read_file(path / "config.json"));
  CHECK(config["info"]["license"] == "MIT, as they say");
  CHECK_FALSE(config["info"].contains("licence"));
  CHECK(load_bundle(path).parser->options().input_size == 64);
  CHECK(load_bundle(path).parser->options().normalization == PhotoNormalization::kImagenet);
}

TEST_CASE("networks from outside are refused by a bundle, and nothing is written", "[bundle]") {
  const TemporaryFolder folder;
  const auto refused = [&](const Bundle& bundle, const std::string& name) {
    CHECK_THROWS_AS(save_bundle(folder / "bundle", bundle), Error);
    CHECK_THROWS_WITH(save_bundle(folder / "bundle", bundle),
                      Catch::Contains("bundle cannot hold the " + name + ", a custom network") && Catch::Contains(folder.path().string()));
    CHECK(entries(folder.path()) == 0);
  };
  Bundle bundle = random_bundle();
  bundle.parser.emplace([](const at::Tensor& photo) { return at::zeros({photo.size(0), 12, photo.size(2), photo.size(3)}); },
                        FaceParserOptions{.labels = Labels::kSecgan12, .normalization = PhotoNormalization::kNone});
  CHECK(bundle.parser->custom());
  refused(bundle, "parser");
  const auto identity = [](const NetworkSpec& spec) {
    return make_callable_generator(spec, [](const at::Tensor& image, const at::Tensor&) { return image; }, {});
  };
  bundle = random_bundle();
  bundle.generator = identity({.attributes = 9, .image_size = 32});
  refused(bundle, "generator");
  bundle = random_bundle();
  bundle.mask_generator = identity({.attributes = 9, .image_size = 32, .image_channels = 12});
  refused(bundle, "mask_generator");
}

TEST_CASE("a bundle whose options break a rule, or each other, is refused with its file", "[bundle]") {
  const TemporaryFolder folder;
  const fs::path bundle = folder / "bundle";
  save_bundle(bundle, random_bundle());
  const nlohmann::json config = nlohmann::json::parse(read_file(bundle / "config.json"));
  const auto refused = [&](const char* path, const nlohmann::json& value, const std::string& message) {
    check_refused(bundle, config, path, value, "config.json", message);
  };
  refused("/networks/generator/attgan/enc_dim", 0, "attgan.enc_dim 0 is not positive");
  refused("/networks/generator/image_size", 30, "image_size 30 is not a multiple of 4");
  refused("/networks/classifier/dim", -1, "dim -1 is not positive");
  refused("/networks/generator/backbone", "vgg", "'vgg' is unknown; known: attgan, stgan, stargan");
  refused("/info/parser_labels", "face-parsing", "the parser network has 12 classes, the labels 19");
  refused("/info/licence", "MIT", "'licence' and 'license' are one setting");
  refused("/networks/critic", nlohmann::json::object(), "network 'critic' is unknown");
}

TEST_CASE("a bundle that asks for more than its tensors fill, or contradicts itself, is refused before a network is built", "[bundle]") {
  const TemporaryFolder folder;
  const fs::path bundle = folder / "bundle";
  save_bundle(bundle, random_bundle());
  const nlohmann::json config = nlohmann::json::parse(read_file(bundle / "config.json"));
  const auto refused = [&](const char* path, const nlohmann::json& value, const std::string& message) {
    check_refused(bundle, config, path, value, "config.json: ", message);
  };
  constexpr int64_t kHuge = int64_t{1} << 31;
  const std::string more = "the options ask for more weights than there are";
  refused("/networks/generator/attgan/enc_dim", kHuge, "attgan.enc_dim 2147483648 is above 65536");
  refused("/networks/generator/attgan/enc_dim", 65536, more);
  refused("/networks/generator", {{"backbone", "stargan"}, {"attributes", 9}, {"image_size", 32}, {"stargan", {{"repeat_num", kHuge}}}},
          "stargan.repeat_num 2147483648 is above 65536");
  refused("/networks/generator", {{"backbone", "stargan"}, {"attributes", 9}, {"image_size", 32}, {"stargan", {{"repeat_num", 65536}}}},
          more);
  refused("/networks/generator", {{"backbone", "stgan"}, {"attributes", 9}, {"image_size", 32}, {"stgan", {{"stu_kernel_size", 100'001}}}},
          "stgan.stu_kernel_size 100001 is above 255");
  refused("/networks/generator/image_size", kHuge, "image_size 2147483648 is above 65536");
  refused("/networks/classifier/image_size", kHuge, "image_size 2147483648 is above 65536");
  refused("/networks/classifier/image_size", 65536, more);
  refused("/networks/parser/unet/dim", 65536, more);
  refused("/networks/generator/attgan/slope", 1e300, "attgan.slope 1e+300 is beyond what a float of 32 bits holds");
  refused("/info/image_size", kHuge, "image_size 2147483648 is above 65536");
  refused("/info/image_size", 64, "info.image_size is 64, networks.generator is for 32");
  refused("/info/attributes", {"Bald", "Male"}, "info.attributes names 2, networks.generator is of 9");
  refused("/info/attributes", {"Bangs", "Bangs"}, "attributes: 'Bangs' is given twice");
  refused("/info/crop", "banana", "crop 'banana' is none of");
  refused("/networks", {1, 2}, "'networks' must be a table");
  std::string deep;
  for (int i = 0; i < 87'000; ++i) deep += '[';
  write_file(bundle / "config.json", deep);
  CHECK_THROWS_WITH(load_bundle(bundle), Catch::Contains("config.json: nested more than 64 deep"));
  write_file(bundle / "config.json", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
  CHECK_THROWS_WITH(load_bundle(bundle), Catch::Contains("config.json: not JSON: it is a Git LFS pointer"));
  write_file(bundle / "config.json", config.dump());
  write_file(bundle / "model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
  CHECK_THROWS_WITH(load_bundle(bundle), Catch::Contains("model.safetensors: not a safetensors file: it is a Git LFS pointer"));
}

TEST_CASE("a bundle with a value that is not finite is refused, with the tensor's name", "[bundle]") {
  const TemporaryFolder folder;
  save_bundle(folder / "bundle", random_bundle());
  const fs::path file = folder / "bundle" / "model.safetensors";
  const std::string good = read_file(file);
  const auto refused = [&](const std::string& network, float value) {
    NamedTensors tensors = parse_safetensors(good, "good").tensors;
    const auto of_network = [&](const auto& entry) {
      return entry.first.starts_with(network + ".") && entry.first.ends_with("running_var");
    };
    const auto found = std::ranges::find_if(tensors, of_network);
    REQUIRE(found != tensors.end());
    found->second[-1] = value;
    write_file(file, encode_safetensors(tensors));
    CHECK_THROWS_AS(load_bundle(folder / "bundle"), Error);
    CHECK_THROWS_WITH(load_bundle(folder / "bundle"), Catch::Contains(file.string() + ": tensor '" + found->first + "' is not finite"));
  };
  refused("generator", std::numeric_limits<float>::quiet_NaN());
  refused("classifier", std::numeric_limits<float>::infinity());
  // Nor is a variance below 0, whose root is taken.
  CHECK_THROWS_WITH(
      require_finite({{"norm.running_mean", at::full({3}, -1)}, {"norm.running_var", at::tensor({1.0, -0.5})}}, "weights.pth"),
      "weights.pth: tensor 'norm.running_var' holds a negative variance: the file is damaged");
}

TEST_CASE("a setting that names a bundle without the part is refused by its name", "[bundle]") {
  const TemporaryFolder folder;
  Bundle all = random_bundle(), none;
  none.info = all.info;
  save_bundle(folder / "all", all);
  save_bundle(folder / "none", none);
  const auto missing = [&](BundlePart part, const std::string& setting, const std::string& what) {
    CHECK_NOTHROW(load_bundle_with(part, folder / "all", setting));
    CHECK_THROWS_AS(load_bundle_with(part, folder / "none", setting), InvalidArgument);
    CHECK_THROWS_WITH(load_bundle_with(part, folder / "none", setting),
                      setting + ": bundle " + (folder / "none").string() + " holds no " + what);
  };
  missing(BundlePart::kGenerator, "model", "generator");
  missing(BundlePart::kClassifier, "protocol.classifier", "classifier");
  missing(BundlePart::kParser, "parser", "parser");
}
