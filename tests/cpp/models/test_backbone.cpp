#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "io/json.hpp"
#include "numeric.hpp"
#include "secgan/bundle/bundle.hpp"
#include "secgan/bundle/load_weights.hpp"
#include "secgan/bundle/recognize.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/safetensors.hpp"
#include "secgan/io/settings.hpp"
#include "secgan/models/attgan.hpp"
#include "secgan/models/backbone.hpp"
#include "secgan/models/stargan.hpp"
#include "secgan/models/stgan.hpp"
#include "secgan/training/train.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;
using secgan::detail::from_json_strict;
using secgan::detail::to_json;

namespace {

/// All that a backbone may offer.
struct PlainGeneratorOptions {
  int64_t width = 64;
  double gain = 0.5;

  static constexpr auto fields() {
    using O = PlainGeneratorOptions;
    return std::tuple{field<&O::width>("channels in between", rule::kPositive), field<&O::gain>("of the edit")};
  }

  static constexpr std::string_view kBackbone = "test-plain";
  static constexpr NetworkRole kRole = NetworkRole::kGenerator;
  void check(const NetworkSpec& spec) const {
    if (width < spec.attributes) throw InvalidArgument("width is below the number of attributes");
  }
  static PlainGeneratorOptions small(int64_t width) { return {.width = width, .gain = 2}; }
  static bool recognize(const StateShapes& state, NetworkSpec& spec, PlainGeneratorOptions& options) {
    if (!state.has("plain_in.weight") || !state.has("plain_out.weight")) return false;
    options.width = state.extent("plain_in.weight", 0);
    spec.image_channels = state.extent("plain_out.weight", 0);
    spec.attributes = state.extent("plain_in.weight", 1) - spec.image_channels;
    return true;
  }
};

/// Nothing but what a backbone must offer.
struct PlainDiscriminatorOptions {
  int64_t width = 8;

  static constexpr auto fields() { return std::tuple{field<&PlainDiscriminatorOptions::width>("channels in between", rule::kPositive)}; }

  static constexpr std::string_view kBackbone = "test-plain";
  static constexpr NetworkRole kRole = NetworkRole::kDiscriminator;
};

class PlainGeneratorImpl final : public GeneratorImpl {
 public:
  using Options = PlainGeneratorOptions;
  PlainGeneratorImpl(const NetworkSpec& spec, const Options& options)
      : GeneratorImpl(spec, options),
        in_(torch::nn::Conv2dOptions(spec.image_channels + spec.attributes, options.width, 1)),
        out_(torch::nn::Conv2dOptions(options.width, spec.image_channels, 1)),
        gain_(options.gain) {
    register_module("plain_in", in_);
    register_module("plain_out", out_);
    add_feature(spec.image_channels, spec.image_size);
  }

 private:
  std::vector<at::Tensor> encode_image(const at::Tensor& image) override { return {image}; }
  at::Tensor decode_features(const std::vector<at::Tensor>& features, const at::Tensor& attributes) override {
    return gain_ * out_->forward(in_->forward(append_attributes(features.front(), attributes)).relu());
  }

  torch::nn::Conv2d in_, out_;
  double gain_;
};

/// Decodes to what it is given.
class GivenGenerator final : public GeneratorImpl {
 public:
  GivenGenerator(const NetworkSpec& spec, at::Tensor decoded) : GeneratorImpl(spec), decoded_(std::move(decoded)) {
    add_feature(1, spec.image_size);
  }

 private:
  std::vector<at::Tensor> encode_image(const at::Tensor& image) override { return {image.mean(1, true)}; }
  at::Tensor decode_features(const std::vector<at::Tensor>& features, const at::Tensor&) override {
    REQUIRE(features.size() == 1);
    REQUIRE(features[0].size(1) == 1);
    return decoded_;
  }

  at::Tensor decoded_;
};

class PlainDiscriminatorImpl final : public DiscriminatorImpl {
 public:
  using Options = PlainDiscriminatorOptions;
  PlainDiscriminatorImpl(const NetworkSpec& spec, const Options& options)
      : DiscriminatorImpl(spec, options), body_(spec.image_channels, options.width), head_(options.width, 1 + spec.attributes) {
    register_module("plain_body", body_);
    register_module("plain_head", head_);
  }

 private:
  Scores score(const at::Tensor& image) override {
    const at::Tensor both = head_->forward(body_->forward(image.mean({2, 3})).tanh());
    return {both.slice(1, 0, 1), both.slice(1, 1)};
  }

  torch::nn::Linear body_, head_;
};

/// For the rest of the process, whichever test comes first.
const Backbone& plain() {
  static const bool added = [] {
    add_backbone(make_backbone<PlainGeneratorImpl, PlainDiscriminatorImpl>(
        "test-plain", {{"test-plain-wide", PlainGeneratorOptions{.width = 128}, PlainDiscriminatorOptions{.width = 32}}}));
    return true;
  }();
  CHECK(added);
  return backbone("test-plain");
}

constexpr NetworkSpec kPlainSpec{.attributes = 3, .image_size = 16};

}  // namespace

TEST_CASE("an added backbone is made by its name, its preset's and its options", "[models]") {
  CHECK(plain().name == "test-plain");
  CHECK(backbone_names().back() == "test-plain");
  CHECK(preset_names().back() == "test-plain-wide");
  Generator named = make_generator(kPlainSpec, "test-plain");
  CHECK_FALSE(named->custom());
  CHECK(named->config().options.as<PlainGeneratorOptions>().width == 64);
  CHECK(named->forward(at::zeros({2, 3, 16, 16}), at::zeros({2, 3})).sizes() == at::IntArrayRef({2, 3, 16, 16}));
  CHECK(make_generator(kPlainSpec, "test-plain-wide")->named_parameters()["plain_in.weight"].size(0) == 128);
  Generator chosen = make_generator(kPlainSpec, PlainGeneratorOptions{.width = 5});
  CHECK(chosen->named_parameters()["plain_in.weight"].sizes() == at::IntArrayRef({5, 6, 1, 1}));
  CHECK(chosen->spec().attributes == 3);
  CHECK(chosen->config().options.backbone() == "test-plain");

  Discriminator discriminator = make_discriminator(kPlainSpec, "test-plain");
  CHECK(discriminator->forward(at::zeros({2, 3, 16, 16})).attribute_logits.sizes() == at::IntArrayRef({2, 3}));
  CHECK(make_discriminator(kPlainSpec, "test-plain-wide")->config().options.as<PlainDiscriminatorOptions>().width == 32);

  CHECK_THROWS_WITH(make_generator(kPlainSpec, PlainGeneratorOptions{.width = 0}), "test-plain.width 0 is not positive");
  CHECK_THROWS_WITH(make_generator(kPlainSpec, PlainGeneratorOptions{.width = 2}), "width is below the number of attributes");
  CHECK_THROWS_WITH(make_generator({.attributes = 0}, "test-plain"), "attributes 0 is not positive");
}

TEST_CASE("an added backbone's options go through JSON, settings files and bundles", "[models]") {
  plain();
  torch::manual_seed(41);
  const GeneratorConfig config{kPlainSpec, PlainGeneratorOptions{.width = 5, .gain = 0.25}};
  const nlohmann::ordered_json json = to_json(config);
  CHECK(json["backbone"] == "test-plain");
  CHECK(json["test-plain"] == nlohmann::ordered_json({{"width", 5}, {"gain", 0.25}}));
  GeneratorConfig read;
  from_json_strict(read, json, "json");
  CHECK(read.spec.attributes == 3);
  CHECK(read.spec.image_size == 16);
  CHECK(read.options.as<PlainGeneratorOptions>().width == 5);
  CHECK(read.options.as<PlainGeneratorOptions>().gain == 0.25);
  CHECK_THROWS_WITH(from_json_strict(read, nlohmann::json::parse(R"({"test-plain": {"depth": 1}})"), "json"),
                    "json.test-plain: unknown key 'depth'; known: width, gain");

  const TemporaryFolder folder;
  TrainSettings settings;
  settings.data.source.kind = DataKind::kSynthetic;
  settings.task.photo_generator = config.options;
  settings.task.photo_discriminator = "test-plain";
  save_settings(folder / "settings.toml", settings);
  const TrainSettings again = load_settings<TrainSettings>(folder / "settings.toml");
  CHECK(again.task.photo_generator.as<PlainGeneratorOptions>().gain == 0.25);
  CHECK(again.task.photo_discriminator.backbone() == "test-plain");

  Bundle bundle;
  bundle.info.image_size = 16;
  bundle.info.attributes = {"Bald", "Bangs", "Male"};
  bundle.generator = make_generator(config);
  save_bundle(folder / "bundle", bundle);
  Bundle loaded = load_bundle(folder / "bundle");
  CHECK(loaded.generator->config().options.backbone() == "test-plain");
  const at::Tensor photo = torch::rand({2, 3, 16, 16}), attributes = torch::rand({2, 3});
  CHECK(at::equal(loaded.generator->forward(photo, attributes), bundle.generator->forward(photo, attributes)));
}

TEST_CASE("an added backbone's weights are recognized, where it can, and loaded", "[models]") {
  plain();
  torch::manual_seed(42);
  Generator generator = make_generator(kPlainSpec, PlainGeneratorOptions{.width = 5, .gain = 0.25});
  const auto found = recognize(module_state(*generator));
  REQUIRE(found.has_value());
  const auto& config = std::get<GeneratorConfig>(*found);
  CHECK(config.options.backbone() == "test-plain");
  CHECK(config.options.as<PlainGeneratorOptions>().width == 5);
  CHECK(config.options.as<PlainGeneratorOptions>().gain == 0.5);  // no shape tells it
  CHECK(config.spec.attributes == 3);
  CHECK(config.spec.image_channels == 3);
  CHECK(describe(*found) == "generator 'test-plain' of 3 attributes");
  const AnyConfig base = GeneratorConfig{kPlainSpec, PlainGeneratorOptions{.gain = 0.75}};
  const auto with_base = recognize(module_state(*generator), &base);
  CHECK(std::get<GeneratorConfig>(*with_base).options.as<PlainGeneratorOptions>().gain == 0.75);
  CHECK(std::get<GeneratorConfig>(*with_base).spec.image_size == 16);
  CHECK(differences(*with_base, base) == "test-plain.width = 5 (here 64)");
  // A network that says nothing of its states is never found in one.
  CHECK_FALSE(recognize(module_state(*make_discriminator(kPlainSpec, "test-plain"))).has_value());
  // The library's own are still themselves.
  const auto attgan = recognize(module_state(*make_generator({.attributes = 2, .image_size = 64}, GeneratorOptions::small("attgan", 8))));
  CHECK(std::get<GeneratorConfig>(*attgan).options.backbone() == "attgan");

  const TemporaryFolder folder;
  const auto file = folder.write("weights.safetensors", encode_safetensors(module_state(*generator)));
  Generator other = make_generator(generator->config());
  load_weights(other, file);
  CHECK(at::equal(other->parameters()[0], generator->parameters()[0]));
  Generator wider = make_generator(kPlainSpec, PlainGeneratorOptions{.width = 6, .gain = 0.25});
  CHECK_THROWS_WITH(load_weights(wider, file), Catch::Contains("weights.safetensors") && Catch::Contains("plain_in.weight") &&
                                                   Catch::Contains("test-plain.width = 5 (here 6)"));
}

TEST_CASE("a backbone's name is taken once, a preset's too", "[models]") {
  plain();
  const auto refusal = [](const std::string& name, std::vector<BackbonePreset> presets = {}) {
    const size_t count = preset_names().size();
    std::string message = "accepted";
    try {
      add_backbone(make_backbone<PlainGeneratorImpl, PlainDiscriminatorImpl>(name, std::move(presets)));
    } catch (const InvalidArgument& error) {
      message = error.what();
    }
    CHECK(preset_names().size() == count);
    return message;
  };
  CHECK(refusal("test-plain") == "backbone 'test-plain' is there already");
  CHECK(refusal("attgan") == "backbone 'attgan' is there already");
  CHECK(refusal("stgan-official") == "backbone 'stgan-official' is there already");
  CHECK(refusal("test-other", {{"test-plain-wide", PlainGeneratorOptions{}, PlainDiscriminatorOptions{}}}) ==
        "backbone 'test-plain-wide' is there already");
  CHECK_THAT(refusal(""), Catch::Contains("empty"));
  CHECK_THROWS_WITH(backbone("test-other"), Catch::Contains("backbone 'test-other' is unknown; known: attgan, stgan, stargan"));
  CHECK_THROWS_WITH(GeneratorOptions("test-other"), Catch::Contains("backbone 'test-other' is unknown") &&
                                                        Catch::Contains("stgan-official") && Catch::Contains("test-plain-wide"));
}

TEST_CASE("options of another backbone are refused by both names", "[models]") {
  GeneratorOptions options = StganGeneratorOptions{.conv_dim = 12};
  CHECK(options.as<StganGeneratorOptions>().conv_dim == 12);
  CHECK_THROWS_WITH(options.as<AttGanGeneratorOptions>(), "options of 'stgan' are asked for those of 'attgan'");
  const GeneratorOptions fixed = options;
  CHECK_THROWS_AS(fixed.as<StarGanGeneratorOptions>(), InvalidArgument);
  options.choose("attgan");
  CHECK_NOTHROW(options.as<AttGanGeneratorOptions>());
  CHECK_THROWS_AS(options.as<StganGeneratorOptions>(), InvalidArgument);
  // Copies are their own.
  GeneratorOptions copy = fixed;
  copy.as<StganGeneratorOptions>().conv_dim = 4;
  CHECK(fixed.as<StganGeneratorOptions>().conv_dim == 12);
}

TEST_CASE("another backbone chosen keeps the scale: small where the first was small", "[models]") {
  plain();
  const auto text = [](const GeneratorOptions& options) { return to_json(options).dump(); };
  GeneratorOptions small = GeneratorOptions::small("attgan", 24);
  CHECK(small.as<AttGanGeneratorOptions>().enc_dim == 24);
  CHECK(small.as<AttGanGeneratorOptions>().upsampling == Upsampling::kSubpixel);
  small.choose("stgan");
  CHECK(text(small) == text(GeneratorOptions::small("stgan", 24)));
  CHECK(text(small) == text(StganGeneratorOptions::small(24)));
  small.choose("test-plain");
  CHECK(small.as<PlainGeneratorOptions>().width == 24);
  CHECK(small.as<PlainGeneratorOptions>().gain == 2);
  small.choose("attgan");
  CHECK(text(small) == text(GeneratorOptions::small("attgan", 24)));

  GeneratorOptions published;
  published.choose("stgan");
  CHECK(text(published) == text(StganGeneratorOptions{}));
  published.choose("stgan-official");
  CHECK(text(published) == text(StganGeneratorOptions::official()));
  CHECK(published.backbone() == "stgan");
  published.choose("attgan");
  CHECK(text(published) == text(AttGanGeneratorOptions{}));
  CHECK(text(GeneratorOptions("stgan-official")) == text(StganGeneratorOptions::official()));
  // A backbone without a small recipe is as published.
  CHECK(DiscriminatorOptions::small("test-plain", 24).as<PlainDiscriminatorOptions>().width == 8);
  // A settings file's "backbone" is such a choice.
  SecganTaskOptions recipe = small_scale_recipe();
  from_json_strict(recipe, nlohmann::json::parse(R"({"photo_generator": {"backbone": "stargan"}})"), "file");
  CHECK(text(recipe.photo_generator) == text(StarGanGeneratorOptions::small(24)));
}

TEST_CASE("recipes name their backbones", "[models]") {
  const SecganTaskOptions both = small_scale_recipe("stgan"), mixed = small_scale_recipe("stargan", "attgan");
  CHECK(both.photo_generator.backbone() == "stgan");
  CHECK(both.mask_discriminator.backbone() == "stgan");
  CHECK(mixed.photo_discriminator.backbone() == "stargan");
  CHECK(mixed.mask_generator.backbone() == "attgan");
  CHECK_THROWS_WITH(small_scale_recipe("vgg"), Catch::Contains("backbone 'vgg' is unknown; known: attgan, stgan, stargan"));
}

TEST_CASE("with attention a generator's output is x + m (e - x), and x to the bit where m is 0", "[models]") {
  torch::manual_seed(8);
  const NetworkSpec spec{.attributes = 2, .image_size = 4, .output = OutputActivation::kAttention};
  const at::Tensor image = torch::rand({2, 3, 4, 4}) * 2 - 1, attributes = at::zeros({2, 2});
  at::Tensor decoded = torch::randn({2, 4, 4, 4});
  decoded.select(1, 3).select(1, 0).fill_(-200);  // a sigmoid of 0 in float32
  GivenGenerator generator(spec, decoded);
  const std::vector<at::Tensor> features = generator.encode(image);
  REQUIRE(features.size() == 2);
  CHECK(at::equal(features[0], image));
  const at::Tensor found = generator.decode(features, attributes);
  const at::Tensor x = image.to(at::kDouble), m = 1 / (1 + (-decoded.narrow(1, 3, 1).to(at::kDouble)).exp());
  CHECK((found - ((1 - m) * x + m * decoded.narrow(1, 0, 3).to(at::kDouble).tanh())).abs().max().item<double>() < 1e-6);
  CHECK(at::equal(found.select(2, 0), image.select(2, 0)));
  CHECK_FALSE(at::equal(found.select(2, 1), image.select(2, 1)));

  // Layers that computed in bfloat16 round the edit, never the photo.
  GivenGenerator reduced(spec, decoded.to(at::kBFloat16));
  const at::Tensor rounded = reduced.forward(image, attributes);
  CHECK(rounded.scalar_type() == at::kFloat);
  CHECK(at::equal(rounded.select(2, 0), image.select(2, 0)));

  GivenGenerator unaware(spec, decoded.narrow(1, 0, 3));
  CHECK_THROWS_WITH(unaware.forward(image, attributes),
                    Catch::Contains("decode_features gave") && Catch::Contains("[N, decoded_channels(), S, S]"));
  CHECK_THROWS_WITH(generator.decode({features[1]}, attributes), Catch::Contains("2 maps"));
}

TEST_CASE("every backbone decodes to one channel more with attention", "[models]") {
  const NetworkSpec spec{.attributes = 2, .image_size = 32, .output = OutputActivation::kAttention};
  const at::Tensor image = torch::rand({2, 3, 32, 32}) * 2 - 1, attributes = torch::randn({2, 2});
  for (const GeneratorOptions& options :
       {GeneratorOptions(AttGanGeneratorOptions{.enc_dim = 4, .dec_dim = 4}), GeneratorOptions(StganGeneratorOptions{.conv_dim = 8}),
        GeneratorOptions(StganGeneratorOptions{.conv_dim = 8, .one_more_conv = false}),
        GeneratorOptions(StarGanGeneratorOptions{.conv_dim = 4})}) {
    INFO(options.backbone());
    Generator generator = make_generator(spec, options);
    CHECK_FALSE(at::equal(generator->forward(image, attributes), image));
    const at::NoGradGuard no_grad;
    for (at::Tensor& parameter : generator->parameters()) parameter.zero_();
    CHECK(at::equal(generator->forward(image, attributes), image / 2));  // e is 0, m a half
  }
}

TEST_CASE("an empty batch gives an empty one through every network", "[models]") {
  for (const std::string& name : preset_names()) {
    for (const bool training : {false, true}) {
      CAPTURE(name, training);
      Generator generator = make_generator({3, 64, 3}, name);
      Discriminator discriminator = make_discriminator({3, 64}, name);
      generator->train(training);
      discriminator->train(training);
      CHECK(generator->forward(at::zeros({0, 3, 64, 64}), at::zeros({0, 3})).sizes() == at::IntArrayRef({0, 3, 64, 64}));
      CHECK(discriminator->forward(at::zeros({0, 3, 64, 64})).attribute_logits.sizes() == at::IntArrayRef({0, 3}));
    }
  }
}
