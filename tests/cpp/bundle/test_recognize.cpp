#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "bundle/state_views.hpp"
#include "golden.hpp"
#include "secgan/bundle/recognize.hpp"
#include "secgan/models/attgan.hpp"
#include "secgan/models/backbone.hpp"
#include "secgan/models/classifier.hpp"
#include "secgan/models/stargan.hpp"
#include "secgan/models/stgan.hpp"
#include "secgan/nn/state.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

/// Tensors of these shapes that take no memory.
NamedTensors state_of(const KeyList& keys) {
  NamedTensors state;
  for (const auto& [name, shape] : keys) state.emplace_back(name, torch::zeros({}).expand(shape));
  return state;
}

/// What recognize() finds of a published list of keys.
template <class Config>
Config published_config(const std::string& list) {
  INFO(list);
  const auto found = recognize(state_of(published_keys(list)));
  REQUIRE(found.has_value());
  const auto* config = std::get_if<Config>(&*found);
  REQUIRE(config != nullptr);
  return *config;
}

/// A network is found again with the options it was made with: exactly, where `base` holds what no shape tells, and to the last shape
/// where nothing is given.
template <class Holder, class Config>
void check_found(const Holder& network, const Config& base, Holder (*make)(const Config&)) {
  const NamedTensors state = module_state(*network);
  const AnyConfig made = network->config(), given = base;
  const auto exact = recognize(state, &given);
  REQUIRE(exact.has_value());
  CHECK(describe(*exact) == describe(made));
  CHECK(differences(*exact, made) == "");
  const auto alone = recognize(state);
  REQUIRE(alone.has_value());
  const auto* config = std::get_if<Config>(&*alone);
  REQUIRE(config != nullptr);
  CHECK(keys_of(*make(*config)) == keys_of(*network));
}

void check_generator(const NetworkSpec& spec, const GeneratorOptions& options, const GeneratorOptions& untold) {
  const NetworkSpec base{.attributes = 1, .image_size = spec.image_size, .image_channels = 1, .output = spec.output};
  check_found<Generator, GeneratorConfig>(make_generator(spec, options), {base, untold}, &make_generator);
}

void check_discriminator(const NetworkSpec& spec, const DiscriminatorOptions& options, const DiscriminatorOptions& untold) {
  check_found<Discriminator, DiscriminatorConfig>(make_discriminator(spec, options), {{}, untold}, &make_discriminator);
}

}  // namespace

TEST_CASE("AttGAN's generators are found again with their options", "[bundle]") {
  const NetworkSpec photos{.attributes = 5, .image_size = 32};
  const NetworkSpec masks{.attributes = 2, .image_size = 64, .image_channels = 12, .output = OutputActivation::kLogits};
  using O = AttGanGeneratorOptions;
  check_generator(photos, O{.enc_dim = 6, .dec_dim = 10}, O{});
  check_generator(photos, O{.enc_dim = 4, .dec_dim = 6, .shortcut_layers = 4, .inject_layers = 4, .max_dim = 16},
                  O{.enc_dim = 99, .enc_layers = 2, .dec_dim = 99, .dec_layers = 3, .shortcut_layers = 0});
  check_generator(masks, O{.enc_dim = 3, .enc_layers = 2, .dec_dim = 7, .dec_layers = 2, .shortcut_layers = 0}, O{});
  check_generator(masks, O{.enc_dim = 4, .enc_layers = 3, .dec_dim = 4, .dec_layers = 3, .shortcut_layers = 0, .inject_layers = 2}, O{});
  check_generator(masks, O{.enc_dim = 8, .enc_layers = 3, .dec_dim = 4, .dec_layers = 3, .shortcut_layers = 2, .inject_layers = 1}, O{});
  check_generator(photos,
                  O{.enc_dim = 4,
                    .enc_layers = 3,
                    .enc_norm_fn = Normalization::kInstance,
                    .enc_acti_fn = Activation::kTanh,
                    .dec_dim = 4,
                    .dec_layers = 3,
                    .dec_norm_fn = Normalization::kNone,
                    .dec_acti_fn = Activation::kSigmoid,
                    .slope = 0.25},
                  O{.enc_acti_fn = Activation::kTanh, .dec_acti_fn = Activation::kSigmoid, .slope = 0.25});
  check_generator(photos,
                  O{.enc_dim = 4,
                    .enc_layers = 2,
                    .enc_norm_fn = Normalization::kTrackedInstance,
                    .dec_dim = 4,
                    .dec_layers = 2,
                    .dec_norm_fn = Normalization::kSwitchable},
                  O{.enc_norm_fn = Normalization::kTrackedInstance, .dec_norm_fn = Normalization::kRunningInstance});
}

TEST_CASE("a generator with attention is found by its last layer, and one without is not taken for it", "[bundle]") {
  const NetworkSpec attention{.attributes = 5, .image_size = 32, .output = OutputActivation::kAttention};
  const AttGanGeneratorOptions attgan{.enc_dim = 4, .dec_dim = 4};
  check_generator(attention, attgan, "attgan");
  check_generator(attention, StganGeneratorOptions{.conv_dim = 8}, "stgan");
  check_generator(attention, StganGeneratorOptions{.conv_dim = 8, .one_more_conv = false}, "stgan");
  check_generator(attention, StarGanGeneratorOptions{.conv_dim = 4}, "stargan");
  const AnyConfig told = GeneratorConfig{attention, attgan};
  const auto found = recognize(module_state(*make_generator({.attributes = 5, .image_size = 32}, attgan)), &told);
  REQUIRE(found.has_value());
  CHECK(std::get<GeneratorConfig>(*found).spec.output == OutputActivation::kTanh);
  CHECK(describe(told) == "generator 'attgan' with attention of 5 attributes");
  CHECK(describe(*found) == "generator 'attgan' of 5 attributes");
}

TEST_CASE("STGAN's generators are found again with their options", "[bundle]") {
  const NetworkSpec photos{.attributes = 5, .image_size = 32};
  const NetworkSpec masks{.attributes = 3, .image_size = 64, .image_channels = 12, .output = OutputActivation::kSoftmax};
  using O = StganGeneratorOptions;
  check_generator(photos, O{.conv_dim = 8}, O{});
  check_generator(photos, O{.conv_dim = 8, .n_layers = 4, .shortcut_layers = 1, .inject_layers = 3, .stu_kernel_size = 5}, O{});
  check_generator(photos, O{.conv_dim = 4, .shortcut_layers = 4, .stu_norm = Normalization::kNone, .final_bias = true, .max_dim = 16}, O{});
  check_generator(masks, O{.conv_dim = 8, .n_layers = 3, .shortcut_layers = 2, .use_stu = false, .one_more_conv = false}, O{});
  check_generator(masks, O{.conv_dim = 4, .n_layers = 2, .shortcut_layers = 0, .use_stu = false, .one_more_kernel_size = 7}, O{});
  check_generator(masks,
                  O{.conv_dim = 8,
                    .n_layers = 3,
                    .shortcut_layers = 2,
                    .inject_layers = 2,
                    .stu_norm = Normalization::kInstance,
                    .stu_state = StuState::kGru,
                    .one_more_conv = false,
                    .final_bias = true,
                    .slope = 0.5,
                    .norm_epsilon = 1e-3,
                    .norm_momentum = 0.5,
                    .glorot = true},
                  O{.stu_state = StuState::kGru, .slope = 0.5, .norm_epsilon = 1e-3, .norm_momentum = 0.5, .glorot = true});
}

TEST_CASE("StarGAN's generators are found again with their options", "[bundle]") {
  const NetworkSpec photos{.attributes = 5, .image_size = 32};
  const NetworkSpec masks{.attributes = 2, .image_size = 16, .image_channels = 12, .output = OutputActivation::kLogits};
  using O = StarGanGeneratorOptions;
  check_generator(photos, O{.conv_dim = 4}, O{});
  check_generator(photos, O{.conv_dim = 6, .repeat_num = 0}, O{});
  check_generator(masks, O{.conv_dim = 4, .repeat_num = 1, .norm_fn = Normalization::kInstance}, O{});
  check_generator(masks, O{.conv_dim = 4, .repeat_num = 2, .norm_fn = Normalization::kSwitchable}, O{});
  for (const Normalization norm : {Normalization::kBatch, Normalization::kTrackedInstance, Normalization::kRunningInstance}) {
    check_generator(photos, O{.conv_dim = 4, .repeat_num = 2, .norm_fn = norm}, O{.norm_fn = norm});
  }
}

TEST_CASE("discriminators are found again with their options and their side", "[bundle]") {
  const NetworkSpec photos{.attributes = 5, .image_size = 64}, masks{.attributes = 2, .image_size = 32, .image_channels = 12};
  using A = AttGanDiscriminatorOptions;
  check_discriminator(photos, A{.dim = 4, .fc_dim = 6}, A{});
  check_discriminator(photos, A{.dim = 4, .fc_dim = 6, .n_layers = 6, .max_dim = 16}, A{});
  check_discriminator(
      masks, A{.dim = 3, .norm_fn = Normalization::kBatch, .fc_dim = 5, .fc_norm_fn = Normalization::kBatch, .n_layers = 2, .slope = 0.25},
      A{.slope = 0.25});
  check_discriminator(masks, A{.dim = 3, .norm_fn = Normalization::kNone, .fc_dim = 5, .n_layers = 3}, A{});
  using S = StganDiscriminatorOptions;
  check_discriminator(photos, S{.conv_dim = 4, .fc_dim = 6}, S{});
  check_discriminator(photos, S{.conv_dim = 4, .fc_dim = 6, .norm_fn = Normalization::kInstance, .conv_bias = false, .max_dim = 16}, S{});
  check_discriminator(masks, S{.conv_dim = 4, .fc_dim = 3, .n_layers = 2, .norm_fn = Normalization::kNone, .norm_epsilon = 0.5},
                      S{.norm_epsilon = 0.5});
  using R = StarGanDiscriminatorOptions;
  check_discriminator(photos, R{.conv_dim = 4}, R{});
  check_discriminator(photos, R{.conv_dim = 4, .repeat_num = 4, .slope = 0.25, .max_dim = 16}, R{.slope = 0.25});
  check_discriminator(masks, R{.conv_dim = 6, .repeat_num = 3}, R{});
}

TEST_CASE("the published networks are found in their own lists of keys", "[bundle]") {
  for (const auto& [list, shortcuts, injections] :
       {std::tuple{"attgan_G_128_sc1_inj0", 1, 0}, {"attgan_G_128_sc1_inj1", 1, 1}, {"attgan_G_128_sc4_inj4", 4, 4}}) {
    const auto config = published_config<GeneratorConfig>(list);
    CHECK(config.spec.attributes == 13);
    const AttGanGeneratorOptions expected{.shortcut_layers = shortcuts, .inject_layers = injections};
    CHECK(differences(config, GeneratorConfig{config.spec, expected}) == "");
  }
  const auto check_stgan = [](const std::string& list, int64_t attributes, const StganGeneratorOptions& expected) {
    const auto config = published_config<GeneratorConfig>(list);
    CHECK(config.spec.attributes == attributes);
    CHECK(differences(config, GeneratorConfig{config.spec, expected}) == "");
  };
  check_stgan("stgan_G_cfg_a10_sc3", 10, {});
  check_stgan("stgan_G_ctor_a10_sc2", 10, {.shortcut_layers = 2});
  check_stgan("stgan_G_a10_sc4", 10, {.shortcut_layers = 4});
  check_stgan("stgan_G_a10_sc3_nostu", 10, {.use_stu = false});
  check_stgan("stgan_G_a10_sc3_no1more", 10, {.one_more_conv = false});
  check_stgan("stgan_G_a13_sc3", 13, {});
  check_stgan("stgan_G_a5_n6_sc5", 5, {.n_layers = 6, .shortcut_layers = 5});
  for (const int64_t attributes : {5, 10, 13}) {
    const auto config = published_config<GeneratorConfig>("stargan_G_c" + std::to_string(attributes));
    CHECK(config.spec.attributes == attributes);
    CHECK(differences(config, GeneratorConfig{config.spec, StarGanGeneratorOptions{}}) == "");
  }
  for (const auto& [list, text] : {std::pair{"attgan_D_128", "discriminator 'attgan' of 13 attributes for 128 px"},
                                   {"stgan_D_128_a13", "discriminator 'stgan' of 13 attributes for 128 px"},
                                   {"stgan_D_256_a10", "discriminator 'stgan' of 10 attributes for 256 px"},
                                   {"stargan_D_128_c13", "discriminator 'stargan' of 13 attributes for 128 px"},
                                   {"stargan_D_256_c5", "discriminator 'stargan' of 5 attributes for 256 px"},
                                   {"bisenet_zllrunning_r18", "parser 'bisenet-resnet18' of 19 classes"},
                                   {"bisenet_yakhyo_resnet18", "parser 'bisenet-resnet18' of 19 classes"},
                                   {"bisenet_yakhyo_resnet34", "parser 'bisenet-resnet34' of 19 classes"},
                                   {"fid_inception_checkpoint_layout", "network 'inception-v3' of 1008 classes"},
                                   {"swav_resnet50", "network 'resnet-50' without a classifier"}}) {
    INFO(list);
    const auto found = recognize(state_of(published_keys(list)));
    REQUIRE(found.has_value());
    CHECK(describe(*found) == text);
  }
}

TEST_CASE("face parsers are found in both dialects, the Inception and ResNets with their classes", "[bundle]") {
  for (const ParserNetwork network : {ParserNetwork::kBisenetResnet18, ParserNetwork::kBisenetResnet34}) {
    const ParserConfig config{.options = {.network = network}, .classes = 7};
    const auto found = recognize(module_state(*make_parser(config)));
    REQUIRE(found.has_value());
    CHECK(differences(*found, config) == "");
    CHECK(differences(config, *found) == "");
  }
  // zllrunning's names, with another number of classes.
  KeyList theirs = published_keys("bisenet_zllrunning_r18");
  for (auto& [name, shape] : theirs) {
    if (name.starts_with("conv_out") && name.ends_with("conv_out.weight")) shape[0] = 11;
  }
  const auto parser = recognize(state_of(theirs));
  REQUIRE(parser.has_value());
  CHECK(describe(*parser) == "parser 'bisenet-resnet18' of 11 classes");

  for (const int64_t classes : {0, 5}) {
    for (const ResNetDepth depth : {ResNetDepth::k18, ResNetDepth::k34, ResNetDepth::k50}) {
      const ResNetOptions options{.depth = depth, .classes = classes};
      const auto found = recognize(module_state(*ResNet(options)));
      REQUIRE(found.has_value());
      REQUIRE(std::holds_alternative<ResNetOptions>(*found));
      CHECK(differences(*found, options) == "");
    }
    const auto found = recognize(module_state(*InceptionV3(InceptionV3Options{.classes = classes})));
    REQUIRE(found.has_value());
    CHECK(differences(*found, InceptionV3Options{.classes = classes}) == "");
  }
  CHECK(describe(InceptionV3Options{.classes = 0}) == "network 'inception-v3' without a classifier");
  CHECK(describe(ResNetOptions{.depth = ResNetDepth::k34, .classes = 10}) == "network 'resnet-34' of 10 classes");
}

TEST_CASE("networks that double the side in every way are found again", "[bundle]") {
  const NetworkSpec photos{.attributes = 5, .image_size = 32};
  for (const auto& [name, upsampling] : kUpsamplings) {
    CAPTURE(name);
    const auto base = upsampling == Upsampling::kBilinear ? upsampling : Upsampling::kTransposed;  // bilinear looks like nearest
    using A = AttGanGeneratorOptions;
    check_generator(photos, A{.enc_dim = 4, .enc_layers = 3, .dec_dim = 6, .dec_layers = 3, .inject_layers = 1, .upsampling = upsampling},
                    A{.upsampling = base});
    using S = StganGeneratorOptions;
    for (const bool more : {false, true}) {
      check_generator(photos, S{.conv_dim = 4, .n_layers = 3, .shortcut_layers = 2, .one_more_conv = more, .upsampling = upsampling},
                      S{.upsampling = base});
    }
    using R = StarGanGeneratorOptions;
    for (const Normalization norm : {Normalization::kInstance, Normalization::kNone}) {
      check_generator(photos, R{.conv_dim = 4, .repeat_num = 2, .norm_fn = norm, .upsampling = upsampling},
                      R{.norm_fn = norm, .upsampling = base});
    }
  }
  // The recipes for a CPU.
  for (const std::string backbone : {"attgan", "stgan", "stargan"}) {  // other tests may have added some that recognize nothing
    CAPTURE(backbone);
    const GeneratorOptions generator = GeneratorOptions::small(backbone, 8);
    check_generator(photos, generator, generator);
    const DiscriminatorOptions discriminator = DiscriminatorOptions::small(backbone, 8);
    check_discriminator(photos, discriminator, discriminator);
  }
}

TEST_CASE("shapes that mean two things are read as what the whole state is", "[bundle]") {
  using O = AttGanGeneratorOptions;
  // A skip as wide as the attributes: what it is the base tells.
  const NetworkSpec eight{.attributes = 8, .image_size = 16};
  for (const auto& [shortcuts, injections] : {std::pair{1, 0}, {0, 1}, {1, 1}}) {
    CAPTURE(shortcuts, injections);
    const O options{
        .enc_dim = 8, .enc_layers = 2, .dec_dim = 4, .dec_layers = 2, .shortcut_layers = shortcuts, .inject_layers = injections};
    check_generator(eight, options, O{.shortcut_layers = shortcuts, .inject_layers = injections});
  }
  // The cap that the decoder alone meets.
  check_generator({.attributes = 2, .image_size = 32},
                  O{.enc_dim = 4, .enc_layers = 4, .dec_dim = 16, .dec_layers = 4, .shortcut_layers = 0, .max_dim = 40}, O{});
}

TEST_CASE("networks that share names with ours are none of ours", "[bundle]") {
  // DCGAN's generator: a noise of 100 to 512 channels.
  const NamedTensors dcgan{{"main.0.weight", torch::zeros({100, 512, 4, 4})},
                           {"main.1.weight", torch::zeros({512})},
                           {"main.1.bias", torch::zeros({512})},
                           {"main.3.weight", torch::zeros({512, 256, 4, 4})},
                           {"main.4.weight", torch::zeros({256})},
                           {"main.12.weight", torch::zeros({64, 3, 4, 4})}};
  CHECK_FALSE(recognize(dcgan).has_value());
  CHECK_FALSE(recognize({{"cp.resnet.conv1.weight", torch::zeros({64, 3, 7, 7})}}).has_value());
  CHECK_FALSE(recognize({{"fpn.backbone.conv1.weight", torch::zeros({64, 3, 7, 7})}}).has_value());
  // ResNet-101 is ResNet-50 with a deeper third stage.
  NamedTensors deeper = module_state(*ResNet(ResNetOptions{.depth = ResNetDepth::k50}));
  for (const auto& [name, tensor] : NamedTensors(deeper)) {
    if (!name.starts_with("layer3.5.")) continue;
    for (int block = 6; block < 23; ++block) deeper.emplace_back("layer3." + std::to_string(block) + name.substr(8), tensor);
  }
  CHECK_FALSE(recognize(deeper).has_value());
  // One tensor too many, one too few, one of another shape.
  const Generator ours = make_generator({.attributes = 2, .image_size = 16}, StarGanGeneratorOptions{.conv_dim = 4, .repeat_num = 1});
  const NamedTensors state = module_state(*ours);
  REQUIRE(recognize(state).has_value());
  NamedTensors changed = state;
  changed.emplace_back("style.weight", torch::zeros({4, 4}));
  CHECK_FALSE(recognize(changed).has_value());
  changed = state;
  changed.erase(changed.begin() + 1);
  CHECK_FALSE(recognize(changed).has_value());
  changed = state;
  changed[1].second = torch::zeros({5});
  CHECK_FALSE(recognize(changed).has_value());
}

TEST_CASE("shapes without values, and widths that no file fills, build no network", "[bundle]") {
  const auto claim = [](int64_t width, int64_t last) {
    return NamedTensors{{"enc_layers.0.layers.0.weight", torch::zeros({width, 3, 1, last})},
                        {"enc_layers.1.layers.0.weight", torch::zeros({2 * width, 1, 1, last})},
                        {"dec_layers.0.layers.0.weight", torch::zeros({2 * width + 5, 1, 1, 4})},
                        {"dec_layers.1.layers.0.weight", torch::zeros({width, 3, 1, 4})}};
  };
  CHECK_FALSE(recognize(claim(30'000, 1)).has_value());
  CHECK_FALSE(recognize(claim(30'000, 0)).has_value());
}

TEST_CASE("names without dots are put back where they mean one name", "[bundle]") {
  const at::Tensor two = torch::ones({2});
  const auto names = [&](const NamedTensors& flat, const NamedTensors& named) {
    std::vector<std::string> out;
    for (const auto& [name, tensor] : with_dots(flat, named).value_or(NamedTensors{})) out.push_back(name);
    return out;
  };
  const NamedTensors network{{"a.1.weight", two}, {"a.1.bias", two}, {"b.running_mean", two}};
  CHECK(names({{"a1bias", two}, {"decay", torch::tensor(0.5)}, {"a1weight", two}}, network) ==
        std::vector<std::string>{"a.1.bias", "decay", "a.1.weight"});
  CHECK(names({{"a1weight", two}}, {{"a.1.weight", two}, {"a1.weight", two}}).empty());
  CHECK(names({{"a1weight", torch::ones({3})}}, network).empty());
  CHECK(names({{"a1weight", two}, {"c", two}}, network).empty());
  CHECK(names({{"a.1.weight", two}}, network).empty());
  CHECK(names({{"w", two}}, {{"w", two}}).empty());
}

TEST_CASE("states of other networks are none of ours", "[bundle]") {
  CHECK_FALSE(recognize({}).has_value());
  CHECK_FALSE(recognize({{"weight", torch::zeros({2, 2})}, {"bias", torch::zeros({2})}}).has_value());
  CHECK_FALSE(
      recognize({{"features.0.weight", torch::zeros({64, 3, 3, 3})}, {"classifier.6.weight", torch::zeros({10, 4096})}}).has_value());
  // Networks of this library that no public file holds.
  CHECK_FALSE(recognize(module_state(*make_parser({.options = {.unet = {.dim = 4, .levels = 2}}}))).has_value());
  CHECK_FALSE(recognize(module_state(*make_classifier({.attributes = 2, .image_size = 32, .options = {.dim = 4}}))).has_value());
  // Half of a network, under its own names.
  const auto without = [](const torch::nn::Module& module, std::string_view prefix) {
    NamedTensors state;
    for (const auto& entry : module_state(module)) {
      if (!entry.first.starts_with(prefix)) state.push_back(entry);
    }
    REQUIRE(state.size() < module_state(module).size());
    return state;
  };
  const NetworkSpec spec{.attributes = 2, .image_size = 16};
  const Generator attgan = make_generator(spec, AttGanGeneratorOptions{.enc_dim = 4, .enc_layers = 2, .dec_dim = 4, .dec_layers = 2});
  const Generator stgan = make_generator(spec, StganGeneratorOptions{.conv_dim = 4, .n_layers = 2, .shortcut_layers = 1});
  const Discriminator critic = make_discriminator(spec, StarGanDiscriminatorOptions{.conv_dim = 4, .repeat_num = 2});
  for (const std::string half : {"enc_layers.", "dec_layers."}) CHECK_FALSE(recognize(without(*attgan, half)).has_value());
  for (const std::string half : {"encoder.", "decoder."}) CHECK_FALSE(recognize(without(*stgan, half)).has_value());
  CHECK_FALSE(recognize(without(*critic, "conv2.")).has_value());
  CHECK_FALSE(recognize(without(*ResNet(ResNetOptions{}), "layer4.")).has_value());
  // Under a prefix they are not what the prefix says.
  CHECK_FALSE(recognize(module_state(*attgan, "generator.")).has_value());
}

TEST_CASE("tensors of other ranks than a network's do not confuse", "[bundle]") {
  // Extents that are not there count as none.
  for (const at::Tensor& tensor : {torch::zeros({}), torch::zeros({0}), torch::zeros({3}), torch::zeros({2, 0, 1, 1, 1})}) {
    for (const std::vector<std::string>& names : {std::vector<std::string>{"enc_layers.0.layers.0.weight", "dec_layers.0.layers.0.weight"},
                                                  {"encoder.0.0.weight", "decoder.0.0.weight", "stu.0.upsample.weight"},
                                                  {"main.0.weight", "main.1.weight"},
                                                  {"main.0.weight", "conv2.weight"},
                                                  {"conv.0.layers.0.weight", "fc_cls.1.layers.0.weight"},
                                                  {"conv.0.0.weight", "fc_att.2.weight"},
                                                  {"cp.resnet.conv1.weight"},
                                                  {"layer1.0.conv1.weight", "layer4.0.conv1.weight"}}) {
      NamedTensors state;
      for (const std::string& name : names) state.emplace_back(name, tensor);
      INFO(names.front() << " of " << tensor.sizes());
      const auto found = recognize(state);
      if (found) CHECK_NOTHROW(describe(*found));
    }
  }
}

TEST_CASE("what a base holds counts for networks of its kind only", "[bundle]") {
  const Generator network =
      make_generator({.attributes = 2, .image_size = 16}, StganGeneratorOptions{.conv_dim = 4, .n_layers = 2, .shortcut_layers = 1});
  const NamedTensors state = module_state(*network);
  const auto size_and_slope = [&](const AnyConfig& base) {
    const auto found = recognize(state, &base);
    REQUIRE(found.has_value());
    const auto& config = std::get<GeneratorConfig>(*found);
    return std::pair(config.spec.image_size, config.options.as<StganGeneratorOptions>().slope);
  };
  CHECK(size_and_slope(GeneratorConfig{{.image_size = 48}, StganGeneratorOptions{.slope = 0.5}}) == std::pair(int64_t{48}, 0.5));
  CHECK(size_and_slope(GeneratorConfig{{.image_size = 48}, AttGanGeneratorOptions{.slope = 0.5}}) == std::pair(int64_t{48}, 0.2));
  CHECK(size_and_slope(DiscriminatorConfig{{.image_size = 48}, StganDiscriminatorOptions{.slope = 0.5}}) == std::pair(int64_t{128}, 0.2));
  CHECK(size_and_slope(ResNetOptions{}) == std::pair(int64_t{128}, 0.2));
}

TEST_CASE("differences name every option that departs, and none for networks of two kinds", "[bundle]") {
  const GeneratorConfig one{{.attributes = 5, .image_size = 64},
                            AttGanGeneratorOptions{.shortcut_layers = 2, .upsampling = Upsampling::kNearest}};
  const GeneratorConfig other{{.attributes = 13, .image_size = 64}, AttGanGeneratorOptions{}};
  CHECK(differences(one, other) ==
        "attributes = 5 (here 13), attgan.shortcut_layers = 2 (here 1), attgan.upsampling = nearest (here transposed)");
  CHECK(differences(one, one) == "");
  CHECK(differences(other, GeneratorConfig{other.spec, "stgan"}) == "backbone = attgan (here stgan)");
  CHECK(differences(one, DiscriminatorConfig{}) == "");
  CHECK(differences(ResNetOptions{.classes = 3}, InceptionV3Options{.classes = 5}) == "");
  CHECK(differences(ParserConfig{.classes = 12}, ParserConfig{.classes = 19}) == "classes = 12 (here 19)");
}

TEST_CASE("more layers than a photo can be halved are no network of ours", "[bundle]") {
  // 70 layers of one channel before a map of 4 x 4: no number holds the photo's side.
  const auto many = [](const std::string& before, const std::string& after) {
    KeyList keys;
    for (int i = 0; i < 70; ++i) keys.emplace_back(before + std::to_string(i) + after, std::vector<int64_t>{1, i == 0 ? 3 : 1, 4, 4});
    return keys;
  };
  KeyList attgan = many("conv.", ".layers.0.weight");
  attgan.insert(attgan.end(), {{"fc_adv.0.layers.0.weight", {8, 16}}, {"fc_cls.1.layers.0.weight", {5, 8}}});
  CHECK_FALSE(recognize(state_of(attgan)).has_value());
  KeyList stgan = many("conv.", ".0.weight");
  stgan.insert(stgan.end(), {{"fc_adv.0.weight", {8, 16}}, {"fc_att.2.weight", {5, 8}}});
  CHECK_FALSE(recognize(state_of(stgan)).has_value());
  KeyList stargan;
  for (int i = 0; i < 70; ++i)
    stargan.emplace_back("main." + std::to_string(2 * i) + ".weight", std::vector<int64_t>{1, i == 0 ? 3 : 1, 4, 4});
  stargan.emplace_back("conv2.weight", std::vector<int64_t>{5, 1, 4, 4});
  CHECK_FALSE(recognize(state_of(stargan)).has_value());
}
