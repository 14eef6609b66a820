#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <unordered_map>

#include "golden.hpp"
#include "secgan/bundle/import_weights.hpp"
#include "secgan/bundle/load_weights.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/safetensors.hpp"
#include "secgan/models/attgan.hpp"
#include "secgan/models/stargan.hpp"
#include "secgan/models/stgan.hpp"
#include "secgan/nn/state.hpp"
#include "secgan/parsing/bisenet.hpp"
#include "temporary_folder.hpp"
#include "torch_bytes.hpp"

using namespace secgan;
using namespace secgan::testing;
namespace fs = std::filesystem;

namespace {

const std::vector<std::string> kThree{"Eyeglasses", "Male", "Young"};

/// A network whose running statistics are those of a trained one.
Generator trained(const NetworkSpec& spec, const GeneratorOptions& options) {
  Generator generator = make_generator(spec, options);
  generator->train();
  const torch::NoGradGuard no_grad;
  generator->forward(torch::rand({2, 3, spec.image_size, spec.image_size}), torch::rand({2, spec.attributes}));
  generator->eval();
  return generator;
}

Generator attgan_of(int64_t attributes, AttGanGeneratorOptions options = {}) {
  options.enc_dim = options.dec_dim = 4;
  options.enc_layers = options.dec_layers = 2;
  return trained({.attributes = attributes, .image_size = 32}, options);
}
Generator stgan_of(int64_t attributes) {
  return trained({.attributes = attributes, .image_size = 32}, StganGeneratorOptions{.conv_dim = 4, .n_layers = 2, .shortcut_layers = 1});
}
Generator stargan_of(int64_t attributes) {
  return trained({.attributes = attributes, .image_size = 32}, StarGanGeneratorOptions{.conv_dim = 4, .repeat_num = 1});
}

/// As AttGAN-PyTorch saves a training.
std::string attgan_file(const Generator& generator) {
  TorchFile file;
  const Code critic = file.state_dict(module_state(
      *make_discriminator({.attributes = 2, .image_size = 32}, AttGanDiscriminatorOptions{.dim = 4, .fc_dim = 6, .n_layers = 2})));
  const Code adam = code_dict({{"param_groups", code_list({code_dict({{"lr", "K\x01"}})})}});
  return file.save(code_dict({{"G", file.state_dict(module_state(*generator))}, {"D", critic}, {"optim_G", adam}}));
}
/// As STGAN-pytorch saves one, from several GPUs.
std::string stgan_file(const Generator& generator) {
  TorchFile file;
  return file.save(code_dict({{"epoch", "K\x05"}, {"state_dict", file.state_dict(module_state(*generator), "module.")}}));
}

/// The imported generator is the one in the file, to the last bit, at the bundle's size.
void check_edits_alike(Bundle& bundle, const Generator& generator) {
  REQUIRE_FALSE(bundle.generator.is_empty());
  CHECK_FALSE(bundle.generator->is_training());
  CHECK(keys_of(*bundle.generator) == keys_of(*generator));
  const int64_t side = bundle.info.image_size;
  NetworkSpec spec = generator->spec();
  spec.image_size = side;
  Generator expected = make_generator(spec, generator->config().options);
  copy_module_state(*generator, *expected);
  expected->eval();
  const torch::NoGradGuard no_grad;
  const at::Tensor photo = torch::rand({2, 3, side, side}) * 2 - 1, attributes = torch::rand({2, spec.attributes});
  CHECK(at::equal(bundle.generator->forward(photo, attributes), expected->forward(photo, attributes)));
}

/// A bundle with a classifier and a parser of drawn weights.
fs::path helpers(const TemporaryFolder& folder, const std::string& name, const std::vector<std::string>& attributes, int64_t image_size,
                 int64_t parser_input = 0) {
  Bundle bundle;
  bundle.info.image_size = image_size;
  bundle.info.attributes = attributes;
  bundle.classifier = make_classifier({.attributes = std::ssize(attributes), .image_size = image_size, .options = {.dim = 4}});
  bundle.parser.emplace(make_parser({.options = {.unet = {.dim = 4, .levels = 2}}, .classes = 12}),
                        FaceParserOptions{.labels = Labels::kSecgan12, .input_size = parser_input});
  save_bundle(folder / name, bundle);
  return folder / name;
}

}  // namespace

TEST_CASE("AttGAN-PyTorch's generator becomes a bundle that edits as its test script does", "[bundle]") {
  torch::manual_seed(21);
  const TemporaryFolder folder;
  Generator generator = attgan_of(13);
  const fs::path file = folder.write("run/checkpoint/weights.49.pth", attgan_file(generator));
  Bundle bundle = import_weights(WeightOrigin::kAttGanPyTorch, file);
  check_edits_alike(bundle, generator);
  CHECK(bundle.info.attributes.size() == 13);
  CHECK(bundle.info.attributes.front() == "Bald");
  CHECK(bundle.info.attributes[6] == "Eyeglasses");
  CHECK(bundle.info.attributes.back() == "Young");
  CHECK(bundle.info.image_size == 128);
  CHECK(bundle.info.crop == "center:170");
  CHECK(bundle.info.intensity == 1.5);
  CHECK(bundle.info.conditioning == Conditioning::kSignedLabels);
  CHECK(bundle.info.license.empty());
  CHECK(bundle.mask_generator.is_empty());
  CHECK(bundle.classifier.is_empty());
  CHECK_FALSE(bundle.parser.has_value());
  // A label of ±1/2, and the edited one at ±1.
  const at::Tensor labels = torch::zeros({1, 13}), difference = torch::zeros({1, 13});
  labels[0][3] = 1;
  difference[0][0] = 1;
  const at::Tensor condition = bundle.condition(labels, difference);
  CHECK(condition[0][0].item<float>() == 1);
  CHECK(condition[0][3].item<float>() == 0.5);
  CHECK(condition[0][5].item<float>() == -0.5);

  // It survives being saved.
  save_bundle(folder / "bundle", bundle);
  Bundle loaded = load_bundle(folder / "bundle");
  check_edits_alike(loaded, generator);
  CHECK(loaded.info.conditioning == Conditioning::kSignedLabels);
}

TEST_CASE("AttGAN-PyTorch's settings are read beside the file or one folder up, and options go before them", "[bundle]") {
  torch::manual_seed(22);
  const TemporaryFolder folder;
  Generator generator = attgan_of(2, {.enc_acti_fn = Activation::kRelu, .dec_acti_fn = Activation::kTanh});
  const fs::path file = folder.write("run/checkpoint/weights.7.pth", attgan_file(generator));
  folder.write("run/setting.txt", R"({"attrs": ["Male", "Young"], "data": "CelebA", "img_size": 64, "enc_acti": "relu", "dec_acti": "tanh",
    "thres_int": 0.5, "test_int": 2.0, "lr": 0.0002, "experiment_name": "run"})");
  Bundle bundle = import_weights(WeightOrigin::kAttGanPyTorch, file);
  check_edits_alike(bundle, generator);
  CHECK(bundle.info.attributes == std::vector<std::string>{"Male", "Young"});
  CHECK(bundle.info.image_size == 64);
  CHECK(bundle.info.crop == "center:170");
  CHECK(bundle.info.intensity == 2.5);
  CHECK(bundle.generator->config().options.as<AttGanGeneratorOptions>().enc_acti_fn == Activation::kRelu);
  CHECK(bundle.generator->config().options.as<AttGanGeneratorOptions>().dec_acti_fn == Activation::kTanh);

  const ImportOptions options{.attributes = {"Bald", "Bangs"}, .image_size = 32, .crop = "none", .intensity = 0.75};
  bundle = import_weights(WeightOrigin::kAttGanPyTorch, file, options);
  check_edits_alike(bundle, generator);
  CHECK(bundle.info.attributes == options.attributes);
  CHECK(bundle.info.image_size == 32);
  CHECK(bundle.info.crop == "none");
  CHECK(bundle.info.intensity == 0.75);

  // The nearer of two counts, and what it lacks is as published.
  folder.write("run/checkpoint/setting.txt", R"({"attrs": ["Smiling", "Young"], "data": "CelebA-HQ"})");
  bundle = import_weights(WeightOrigin::kAttGanPyTorch, file);
  CHECK(bundle.info.attributes == std::vector<std::string>{"Smiling", "Young"});
  CHECK(bundle.info.image_size == 128);
  CHECK(bundle.info.crop == "none");
  CHECK(bundle.info.intensity == 1.5);
  CHECK(bundle.generator->config().options.as<AttGanGeneratorOptions>().enc_acti_fn == Activation::kLeakyRelu);
  // Other repositories leave no such file.
  const fs::path stgan = folder.write("run/checkpoint/G.pth.tar", stgan_file(stgan_of(10)));
  CHECK(import_weights(WeightOrigin::kStganPyTorch, stgan).info.attributes.size() == 10);
}

TEST_CASE("averages whose names lost their dots are those of the network beside them", "[bundle]") {
  // LitEma of latent diffusion: a buffer for each parameter, by its name without dots, and two numbers of its own.
  const auto averages = [](const Generator& generator, const std::string& prefix) {
    NamedTensors out{{prefix + "decay", torch::tensor(0.9999F)}, {prefix + "num_updates", torch::tensor(int64_t{7})}};
    for (const auto& parameter : generator->named_parameters()) {
      std::string name = parameter.key();
      std::erase(name, '.');
      out.emplace_back(prefix + name, parameter.value().detach() + 0.25);
    }
    return out;
  };
  const auto beside = [&](const Generator& generator) {
    NamedTensors out;
    for (const auto& [name, tensor] : module_state(*generator)) out.emplace_back("netG." + name, tensor);
    for (auto& entry : averages(generator, "netG_ema.")) out.push_back(std::move(entry));
    return out;
  };
  const TemporaryFolder folder;
  const Generator plain = attgan_of(3, {.enc_norm_fn = Normalization::kNone, .dec_norm_fn = Normalization::kNone});
  const fs::path both = folder.write("both.pth", torch_file(beside(plain)));
  std::string note;
  const Bundle bundle = import_weights(WeightOrigin::kAttGanPyTorch, both, {.attributes = kThree}, &note);
  CHECK(note == both.string() + ": the averaged weights 'netG_ema' are taken, 'netG' is ignored");
  const auto wanted = plain->named_parameters();
  for (const auto& parameter : bundle.generator->named_parameters()) CHECK(at::equal(parameter.value(), wanted[parameter.key()] + 0.25));

  // Averages of a network that also keeps statistics are none without them, which is told.
  const Generator normed = attgan_of(3);
  const fs::path partial = folder.write("partial.pth", torch_file(beside(normed)));
  const Bundle online = import_weights(WeightOrigin::kAttGanPyTorch, partial, {.attributes = kThree}, &note);
  CHECK_THAT(note, Catch::StartsWith(partial.string() + ": the averaged weights 'netG_ema' are ignored: '") &&
                       Catch::Contains("running_mean' is missing"));
  CHECK(at::equal(online.generator->parameters()[0], normed->parameters()[0]));

  // Alone they are those of a network that is there, and of none that would have to be found.
  const fs::path alone = folder.write("alone.pth", torch_file(averages(plain, "")));
  Generator loaded = attgan_of(3, {.enc_norm_fn = Normalization::kNone, .dec_norm_fn = Normalization::kNone});
  load_weights(loaded, alone);
  for (const auto& parameter : loaded->named_parameters()) CHECK(at::equal(parameter.value(), wanted[parameter.key()] + 0.25));
  CHECK_THROWS_WITH(import_weights(WeightOrigin::kAttGanPyTorch, alone, {.attributes = kThree}),
                    Catch::Contains("names without their dots, as LitEma writes them, and nothing in the file says where those were"));
}

TEST_CASE("settings that a bundle cannot follow, or that are none, are refused", "[bundle]") {
  const TemporaryFolder folder;
  const fs::path file = folder.write("weights.pth", attgan_file(attgan_of(2)));
  const auto refused = [&](const std::string& settings, const std::string& message) {
    INFO(settings);
    folder.write("setting.txt", settings);
    CHECK_THROWS_AS(import_weights(WeightOrigin::kAttGanPyTorch, file), Error);
    CHECK_THROWS_WITH(import_weights(WeightOrigin::kAttGanPyTorch, file), Catch::Contains(message));
  };
  const std::string named = (folder / "setting.txt").string();
  refused(R"({"attrs": ["a", "b"], "thres_int": 1.0})",
          file.string() + ": thres_int 1 is not supported: a bundle's labels are -0.5 and 0.5");
  refused("{", named + ": not JSON (line 1)");
  refused("", named + ": not JSON: it is empty");
  refused("[1]", named + ": not AttGAN-PyTorch's settings");
  refused(R"({"attrs": "Male"})", named + ": 'attrs' must be a list, found \"Male\"");
  refused(R"({"attrs": [1]})", named + ": 'attrs' must be a list of names, found 1");
  refused(R"({"img_size": "large"})", named + ": 'img_size' must be an integer, found \"large\"");
  refused(R"({"test_int": null})", named + ": 'test_int' must be a number, found null");
  refused(R"({"enc_acti": "swish"})", "'swish' is unknown; known: none, relu, lrelu, sigmoid, tanh");
  refused(R"({"dec_acti": 5})", named);
}

TEST_CASE("STGAN-pytorch's generator becomes a bundle that takes differences", "[bundle]") {
  torch::manual_seed(23);
  const TemporaryFolder folder;
  Generator generator = stgan_of(10);
  const fs::path file = folder.write("G_100000.pth.tar", stgan_file(generator));
  Bundle bundle = import_weights(WeightOrigin::kStganPyTorch, file);
  check_edits_alike(bundle, generator);
  CHECK(bundle.info.attributes.size() == 10);
  CHECK(bundle.info.attributes.front() == "Bangs");
  CHECK(bundle.info.attributes.back() == "Young");
  CHECK(bundle.info.image_size == 128);
  CHECK(bundle.info.crop == "center:178");
  CHECK(bundle.info.intensity == 1);
  CHECK(bundle.info.conditioning == Conditioning::kDifference);
  const at::Tensor difference = torch::rand({2, 10}) - 0.5;
  CHECK(at::equal(bundle.condition(torch::ones({2, 10}), difference), difference));
}

TEST_CASE("StarGAN's generator becomes a bundle that takes labels", "[bundle]") {
  torch::manual_seed(24);
  const TemporaryFolder folder;
  Generator generator = stargan_of(5);
  for (const TorchFormat format : {TorchFormat::kZip, TorchFormat::kLegacy}) {
    const fs::path file = folder.write("200000-G.ckpt", torch_file(module_state(*generator), format));
    Bundle bundle = import_weights(WeightOrigin::kStarGan, file, {.image_size = 32, .license = "CC BY-NC 4.0"});
    check_edits_alike(bundle, generator);
    CHECK(bundle.info.attributes == std::vector<std::string>{"Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"});
    CHECK(bundle.info.image_size == 32);
    CHECK(bundle.info.crop == "center:178");
    CHECK(bundle.info.intensity == 1);
    CHECK(bundle.info.license == "CC BY-NC 4.0");
    CHECK(bundle.info.conditioning == Conditioning::kLabels);
    const at::Tensor labels = torch::tensor({{0.F, 1.F, 0.F, 1.F, 1.F}}), difference = torch::tensor({{1.F, -1.F, 0.F, 0.F, 0.F}});
    CHECK(at::equal(bundle.condition(labels, difference), torch::tensor({{1.F, 0.F, 0.F, 1.F, 1.F}})));
  }
}

TEST_CASE("face parsers of both dialects become bundles that bring photos to their size", "[bundle]") {
  torch::manual_seed(25);
  const TemporaryFolder folder;
  Parser parser = make_parser({.options = {.network = ParserNetwork::kBisenetResnet18}, .classes = 19});
  parser->eval();
  const NamedTensors ours = module_state(*parser);
  std::unordered_map<std::string, at::Tensor> by_name(ours.begin(), ours.end());
  NamedTensors theirs;
  for (const auto& [name, shape] : published_keys("bisenet_zllrunning_r18")) {
    theirs.emplace_back(name, by_name.at(bisenet_name_from_zllrunning(name)));
  }
  const fs::path zllrunning = folder.write("79999_iter.pth", encode_safetensors(theirs));
  const fs::path yakhyo = folder.write("resnet18.pt", encode_safetensors(ours));
  const torch::NoGradGuard no_grad;
  const at::Tensor photo = torch::rand({1, 3, 64, 64}) * 2 - 1;
  const at::Tensor expected = FaceParser(parser, {.input_size = 96}).probabilities(photo);
  for (const auto& [origin, file] : {std::pair{WeightOrigin::kFaceParsing, zllrunning}, {WeightOrigin::kFaceParsingYakhyo, yakhyo}}) {
    INFO(file);
    const Bundle bundle = import_weights(origin, file, {.image_size = 96, .license = "MIT"});
    CHECK(bundle.generator.is_empty());
    REQUIRE(bundle.parser.has_value());
    CHECK(bundle.parser->options().labels == Labels::kFaceParsing);
    CHECK(bundle.parser->options().normalization == PhotoNormalization::kImagenet);
    CHECK(bundle.parser->options().input_size == 96);
    CHECK(bundle.info.image_size == 96);
    CHECK(bundle.info.crop == "none");
    CHECK(bundle.info.attributes.empty());
    CHECK(bundle.info.license == "MIT");
    CHECK(at::equal(bundle.parser->probabilities(photo), expected));
  }

  const fs::path classifier = helpers(folder, "helpers", kThree, 96);
  const Bundle with_classifier =
      import_weights(WeightOrigin::kFaceParsing, zllrunning, {.image_size = 96, .crop = "center", .classifier = classifier.string()});
  CHECK(with_classifier.info.attributes == kThree);
  CHECK(with_classifier.info.crop == "center");
  CHECK_FALSE(with_classifier.classifier.is_empty());

  const auto refused = [&](const ImportOptions& options, const std::string& message) {
    CHECK_THROWS_AS(import_weights(WeightOrigin::kFaceParsing, zllrunning, options), InvalidArgument);
    CHECK_THROWS_WITH(import_weights(WeightOrigin::kFaceParsing, zllrunning, options), message);
  };
  refused({.attributes = kThree}, "attributes: a parser has none");
  refused({.intensity = 1.0}, "intensity: a parser has none");
  refused({.parser = "bundle"}, "parser: the file is one itself");
  refused({.image_size = 0}, "image_size 0 is not positive");
  refused({.classifier = classifier.string()}, "classifier: trained at 96 px, the bundle is for 512 px");
  const std::string others = "holds no face-parsing network; it seems to hold a generator 'stargan' of 3 attributes";
  const fs::path stargan = folder.write("star.ckpt", torch_file(module_state(*stargan_of(3))));
  CHECK_THROWS_WITH(import_weights(WeightOrigin::kFaceParsing, stargan), stargan.string() + ": " + others);
}

TEST_CASE("a parser of other classes than the public ones is refused", "[bundle]") {
  const TemporaryFolder folder;
  const Parser parser = make_parser({.options = {.network = ParserNetwork::kBisenetResnet18}, .classes = 11});
  const fs::path file = folder.write("resnet18.pt", encode_safetensors(module_state(*parser)));
  CHECK_THROWS_WITH(import_weights(WeightOrigin::kFaceParsingYakhyo, file),
                    file.string() + ": a parser of 11 classes; the public label order has 19");
}

TEST_CASE("a file of another origin is refused with what it seems to hold", "[bundle]") {
  const TemporaryFolder folder;
  const auto refused = [&](WeightOrigin origin, const std::string& bytes, const std::string& message) {
    const fs::path file = folder.write("w.pth", bytes);
    CHECK_THROWS_AS(import_weights(origin, file, {.attributes = kThree}), Error);
    CHECK_THROWS_WITH(import_weights(origin, file, {.attributes = kThree}), file.string() + ": " + message);
  };
  refused(WeightOrigin::kAttGanPyTorch, torch_file(module_state(*stargan_of(3))),
          "holds no generator 'attgan'; it seems to hold a generator 'stargan' of 3 attributes");
  refused(WeightOrigin::kStganPyTorch, attgan_file(attgan_of(3)),
          "holds no generator 'stgan'; it seems to hold a generator 'attgan' of 3 attributes, a discriminator 'attgan' of 2 attributes for "
          "32 px");
  refused(WeightOrigin::kStarGan, stgan_file(stgan_of(3)),
          "holds no generator 'stargan'; it seems to hold a generator 'stgan' of 3 attributes");
  refused(WeightOrigin::kStarGan, torch_file({{"weight", torch::ones({2})}}),
          "holds no generator 'stargan'; it seems to hold none of the known networks; it holds 'weight'");
  refused(WeightOrigin::kStarGan, "no weights, but a text", "neither a torch.save file nor a safetensors file: it is text");
  CHECK_THROWS_AS(import_weights(WeightOrigin::kStarGan, folder / "nowhere.ckpt"), FileNotFound);
  // A generator of the right backbone that lacks an entry is no good either.
  NamedTensors damaged = module_state(*stargan_of(3));
  REQUIRE(damaged[1].first == "main.1.weight");
  damaged.erase(damaged.begin() + 2);
  refused(WeightOrigin::kStarGan, torch_file(damaged),
          "'main.1.bias' is missing; the file seems to hold a generator 'stargan' of 3 attributes");
}

TEST_CASE("options that do not fit the file are refused", "[bundle]") {
  const TemporaryFolder folder;
  const fs::path file = folder.write("200000-G.ckpt", torch_file(module_state(*stargan_of(3))));
  const auto refused = [&](const ImportOptions& options, const std::string& message) {
    CHECK_THROWS_AS(import_weights(WeightOrigin::kStarGan, file, options), InvalidArgument);
    CHECK_THROWS_WITH(import_weights(WeightOrigin::kStarGan, file, options), Catch::Contains(message));
  };
  refused({}, "attributes: " + file.string() + " has 3 of them, 5 are named (Black_Hair, Blond_Hair, Brown_Hair, Male, Young)");
  refused({.attributes = {"Male", "Young"}}, "has 3 of them, 2 are named (Male, Young)");
  refused({.attributes = {"Male", "Young", "Male"}}, "'Male'");
  refused({.attributes = {"Male", "", "Young"}}, "empty");
  refused({.attributes = kThree, .image_size = 30}, "image_size 30 is not a multiple of 4");
  refused({.attributes = kThree, .image_size = -4}, "image_size -4 is not positive");
  refused({.attributes = kThree, .intensity = 0.0}, "intensity 0 is not positive");
  refused({.attributes = kThree, .crop = "banana"}, "crop 'banana' is none of: none, center, center:SIDE, box:x,y,w,h");
}

TEST_CASE("a classifier and a parser are taken in where they fit", "[bundle]") {
  torch::manual_seed(26);
  const TemporaryFolder folder;
  const fs::path file = folder.write("200000-G.ckpt", torch_file(module_state(*stargan_of(3))));
  const fs::path fitting = helpers(folder, "fitting", kThree, 32), larger = helpers(folder, "larger", kThree, 64);
  const fs::path resizing = helpers(folder, "resizing", kThree, 64, 48),
                 reordered = helpers(folder, "reordered", {"Male", "Young", "Bald"}, 32);
  Bundle none;
  none.info.image_size = 32;
  save_bundle(folder / "none", none);
  const auto import = [&](const fs::path& classifier, const fs::path& parser) {
    return import_weights(WeightOrigin::kStarGan, file,
                          {.attributes = kThree, .image_size = 32, .classifier = classifier.string(), .parser = parser.string()});
  };
  Bundle bundle = import(fitting, fitting);
  Bundle expected = load_bundle(fitting);
  const torch::NoGradGuard no_grad;
  const at::Tensor photo = torch::rand({2, 3, 32, 32}) * 2 - 1;
  REQUIRE_FALSE(bundle.classifier.is_empty());
  CHECK(at::equal(bundle.classifier->forward(photo), expected.classifier->forward(photo)));
  REQUIRE(bundle.parser.has_value());
  CHECK(at::equal(bundle.parser->probabilities(photo), expected.parser->probabilities(photo)));
  CHECK(bundle.info.attributes == kThree);
  CHECK_FALSE(bundle.generator.is_empty());
  // A parser that photos are resized for serves every size.
  CHECK(import({}, resizing).parser->options().input_size == 48);
  CHECK(import({}, resizing).classifier.is_empty());

  const auto refused = [&](const fs::path& classifier, const fs::path& parser, const std::string& message) {
    CHECK_THROWS_AS(import(classifier, parser), InvalidArgument);
    CHECK_THROWS_WITH(import(classifier, parser), message);
  };
  refused(reordered, {}, "classifier: its attributes are Male, Young, Bald, the generator's are Eyeglasses, Male, Young");
  refused(larger, {}, "classifier: trained at 64 px, the bundle is for 32 px");
  refused(folder / "none", {}, "classifier: bundle " + (folder / "none").string() + " holds no classifier");
  refused({}, larger, "parser: bundle " + larger.string() + " was trained at 64 px, image_size is 32");
  refused({}, folder / "none", "parser: bundle " + (folder / "none").string() + " holds no parser");
  CHECK_THROWS_AS(import({}, folder / "nowhere"), FileNotFound);
}
