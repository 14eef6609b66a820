#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <unordered_map>

#include "golden.hpp"
#include "secgan/bundle/load_weights.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/safetensors.hpp"
#include "secgan/models/attgan.hpp"
#include "secgan/models/callable.hpp"
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

constexpr NetworkSpec kFaces{.attributes = 3, .image_size = 16};
constexpr AttGanGeneratorOptions kTwoLayers{.enc_dim = 4, .enc_layers = 2, .dec_dim = 4, .dec_layers = 2};

NamedTensors copied(const NamedTensors& state) {
  NamedTensors out;
  for (const auto& [name, tensor] : state) out.emplace_back(name, tensor.detach().clone());
  return out;
}

/// Random values that no network begins with: counters and running statistics too.
NamedTensors random_state(const torch::nn::Module& module) {
  NamedTensors state;
  for (const auto& [name, tensor] : module_state(module)) {
    state.emplace_back(name,
                       tensor.is_floating_point() ? torch::rand(tensor.sizes()) + 0.5 : torch::randint(1, 99, tensor.sizes(), at::kLong));
  }
  return state;
}

bool holds(const torch::nn::Module& module, const NamedTensors& state) {
  const NamedTensors found = module_state(module);
  return found.size() == state.size() && std::equal(found.begin(), found.end(), state.begin(), [](const auto& a, const auto& b) {
           return a.first == b.first && at::equal(a.second, b.second);
         });
}

/// What a file is refused for, less its name; the network must be as it was.
template <class Network>
std::string refused_for(Network& network, const fs::path& file) {
  const NamedTensors before = copied(module_state(*network));
  std::string message = "accepted";
  try {
    load_weights(network, file);
  } catch (const Error& error) {
    message = error.what();
    REQUIRE_THAT(message, Catch::StartsWith(file.string() + ": "));
    message = message.substr(file.string().size() + 2);
  }
  CHECK(holds(*network, before));
  return message;
}

NamedTensors renamed_entry(NamedTensors state, const std::string& from, const std::string& to) {
  for (auto& [name, tensor] : state) {
    if (name == from) name = to;
  }
  return state;
}

NamedTensors less(const NamedTensors& state, std::string_view part) {
  NamedTensors out;
  for (const auto& entry : state) {
    if (entry.first.find(part) == std::string::npos) out.push_back(entry);
  }
  REQUIRE(out.size() < state.size());
  return out;
}

}  // namespace

TEST_CASE("weights come out of every form of file as they went in", "[bundle]") {
  torch::manual_seed(11);
  const TemporaryFolder folder;
  Generator generator = make_generator(kFaces, kTwoLayers);
  const auto loads = [&](const std::string& bytes, const NamedTensors& state) {
    load_weights(generator, folder.write("w", bytes));
    CHECK(holds(*generator, state));
  };
  NamedTensors state = random_state(*generator);
  loads(encode_safetensors(state), state);
  for (const TorchFormat format : {TorchFormat::kZip, TorchFormat::kLegacy}) {
    state = random_state(*generator);
    loads(torch_file(state, format), state);

    // In a training's file, under DataParallel's names, beside a discriminator and an optimizer.
    state = random_state(*generator);
    TorchFile file(format);
    const Code critic = file.state_dict(random_state(*make_discriminator(kFaces, AttGanDiscriminatorOptions{.dim = 4, .n_layers = 2})));
    const Code adam = code_dict({{"state", code_dict({{"exp_avg", file.tensor(torch::ones({4, 3, 4, 4}))}})}});
    const Code model = code_dict({{"state_dict", file.state_dict(state, "module.")}});
    loads(file.save(code_dict({{"epoch", "K\x05"}, {"D", critic}, {"optim_G", adam}, {"model", model}})), state);
  }

  // In another order, and stored with fewer or more bits: rounded once.
  state = random_state(*generator);
  std::reverse(state.begin(), state.end());
  for (const auto type : {at::kHalf, at::kBFloat16, at::kDouble}) {
    NamedTensors stored, expected;
    for (const auto& [name, tensor] : state) stored.emplace_back(name, tensor.is_floating_point() ? tensor.to(type) : tensor);
    for (const auto& [name, tensor] : stored) expected.emplace_back(name, tensor.is_floating_point() ? tensor.to(at::kFloat) : tensor);
    std::reverse(expected.begin(), expected.end());
    loads(torch_file(stored), expected);
  }
  CHECK(generator->parameters()[0].scalar_type() == at::kFloat);
  CHECK(generator->parameters()[0].requires_grad());
}

TEST_CASE("each kind of network takes its weights", "[bundle]") {
  torch::manual_seed(12);
  const TemporaryFolder folder;
  const auto check_loads = [&](auto& network) {
    const NamedTensors state = random_state(*network);
    load_weights(network, folder.write("w.pth", torch_file(state)));
    CHECK(holds(*network, state));
  };
  Generator stgan = make_generator(kFaces, StganGeneratorOptions{.conv_dim = 4, .n_layers = 2, .shortcut_layers = 1});
  Generator stargan = make_generator(kFaces, StarGanGeneratorOptions{.conv_dim = 4, .repeat_num = 1});
  Discriminator critic = make_discriminator(kFaces, StganDiscriminatorOptions{.conv_dim = 4, .fc_dim = 6, .n_layers = 2});
  Parser unet = make_parser({.options = {.unet = {.dim = 4, .levels = 2}}, .classes = 5});
  check_loads(stgan);
  check_loads(stargan);
  check_loads(critic);
  check_loads(unet);
  torch::nn::Sequential any(torch::nn::Linear(2, 3), torch::nn::BatchNorm1d(3));
  const NamedTensors state = random_state(*any);
  load_weights(static_cast<torch::nn::Module&>(*any), folder.write("w.pth", torch_file(state)));
  CHECK(holds(*any, state));
}

TEST_CASE("counters of batches may be missing, or too many, and stay as they are", "[bundle]") {
  torch::manual_seed(13);
  const TemporaryFolder folder;
  Generator generator = make_generator(kFaces, kTwoLayers);
  NamedTensors state = random_state(*generator);
  const auto counters = less(state, ".weight").size() - less(less(state, ".weight"), "num_batches_tracked").size();
  REQUIRE(counters == 3);
  load_weights(generator, folder.write("old.pth", torch_file(less(state, "num_batches_tracked"))));
  for (auto& [name, tensor] : state) {
    if (name.ends_with("num_batches_tracked")) tensor = torch::tensor(int64_t{0});
  }
  CHECK(holds(*generator, state));

  AttGanGeneratorOptions instance = kTwoLayers;
  instance.enc_norm_fn = instance.dec_norm_fn = Normalization::kInstance;
  Generator other = make_generator(kFaces, instance);
  NamedTensors more = random_state(*other);
  more.emplace_back("enc_layers.0.layers.1.num_batches_tracked", torch::tensor(int64_t{7}));
  load_weights(other, folder.write("new.pth", torch_file(more)));
  more.pop_back();
  CHECK(holds(*other, more));
}

TEST_CASE("the first entry that differs is named, and nothing changes", "[bundle]") {
  torch::manual_seed(14);
  const TemporaryFolder folder;
  Generator generator = make_generator(kFaces, kTwoLayers);
  const NamedTensors state = random_state(*generator);
  const auto refused = [&](const NamedTensors& changed) { return refused_for(generator, folder.write("w.pth", torch_file(changed))); };
  const std::string seems = "; the file seems to hold a generator 'attgan' of 3 attributes";
  CHECK(refused(less(state, "enc_layers.1.layers.1.bias")) == "'enc_layers.1.layers.1.bias' is missing" + seems);
  CHECK(refused(less(state, "enc_layers.1.layers.1.running")) ==
        "'enc_layers.1.layers.1.running_mean' is missing (2 entries differ)" + seems);

  NamedTensors more = state;
  more.emplace_back("enc_layers.1.layers.2.bias", torch::zeros({4}));
  CHECK(refused(more) == "'enc_layers.1.layers.2.bias' belongs to no layer of the network" + seems);
  CHECK(refused(renamed_entry(state, "enc_layers.1.layers.1.bias", "enc_layers.1.layers.1.beta")) ==
        "'enc_layers.1.layers.1.bias' is missing (2 entries differ)" + seems);

  NamedTensors misshapen = state;
  REQUIRE(misshapen[1].first == "enc_layers.0.layers.1.weight");
  misshapen[1].second = torch::ones({4, 1});
  CHECK(refused(misshapen) == "'enc_layers.0.layers.1.weight' has shape [4, 1], the network [4]" + seems);
  misshapen[1].second = torch::ones({});
  CHECK(refused(misshapen) == "'enc_layers.0.layers.1.weight' has shape [], the network [4]" + seems);

  CHECK_THROWS_AS(load_weights(generator, folder / "nowhere.pth"), FileNotFound);
  CHECK_THAT(refused_for(generator, folder.write("w.pth", torch_file(state).substr(0, 3000))), Catch::Contains("damaged or truncated"));
  CHECK_THAT(refused_for(generator, folder.write("w.pth", "no weights, but a text")), Catch::Contains("neither a torch.save file"));
  CHECK(refused_for(generator, folder.write("w.pth", encode_safetensors({}))).starts_with("'enc_layers.0.layers.0.weight' is missing ("));
}

TEST_CASE("the options that would fit are named, where the file holds the same kind of network", "[bundle]") {
  const TemporaryFolder folder;
  Generator generator = make_generator(kFaces, kTwoLayers);
  const auto refused = [&](const NetworkSpec& spec, const GeneratorOptions& options) {
    return refused_for(generator, folder.write("w.pth", torch_file(module_state(*make_generator(spec, options)))));
  };
  AttGanGeneratorOptions other = kTwoLayers;
  other.enc_dim = 6;
  other.inject_layers = 1;
  CHECK_THAT(
      refused(kFaces, other),
      Catch::StartsWith("'enc_layers.0.layers.0.weight' has shape [6, 3, 4, 4], the network [4, 3, 4, 4] (") &&
          Catch::EndsWith("; the file seems to hold a generator 'attgan' of 3 attributes; options that would fit: attgan.enc_dim = 6 "
                          "(here 4), attgan.inject_layers = 1 (here 0)"));
  CHECK_THAT(refused({.attributes = 5, .image_size = 16}, kTwoLayers),
             Catch::EndsWith("a generator 'attgan' of 5 attributes; options that would fit: attributes = 5 (here 3)"));
  CHECK_THAT(refused(kFaces, StarGanGeneratorOptions{.conv_dim = 4, .repeat_num = 1}),
             Catch::EndsWith("a generator 'stargan' of 3 attributes; options that would fit: backbone = stargan (here attgan)"));
  // Another kind of network has no options to offer.
  const Discriminator critic = make_discriminator(kFaces, StarGanDiscriminatorOptions{.conv_dim = 4, .repeat_num = 2});
  CHECK_THAT(refused_for(generator, folder.write("w.pth", torch_file(module_state(*critic)))),
             Catch::EndsWith("; the file seems to hold a discriminator 'stargan' of 3 attributes for 16 px"));
  CHECK_THAT(refused_for(generator, folder.write("w.pth", torch_file({{"a", torch::ones({1})}}))),
             Catch::StartsWith("'enc_layers.0.layers.0.weight' is missing (") && Catch::EndsWith(" entries differ); it holds 'a'"));

  Discriminator larger =
      make_discriminator({.attributes = 3, .image_size = 32}, StarGanDiscriminatorOptions{.conv_dim = 4, .repeat_num = 2});
  CHECK(refused_for(larger, folder.write("w.pth", torch_file(module_state(*critic)))) ==
        "'conv2.weight' has shape [3, 8, 4, 4], the network [3, 8, 8, 8]; the file seems to hold a discriminator 'stargan' of 3 attributes "
        "for 16 px; options that would fit: image_size = 16 (here 32)");
}

TEST_CASE("of several dictionaries the one that fits is taken, and else the closest is described", "[bundle]") {
  torch::manual_seed(15);
  const TemporaryFolder folder;
  Generator generator = make_generator(kFaces, kTwoLayers);
  AttGanGeneratorOptions wide = kTwoLayers;
  wide.dec_dim = 8;
  const NamedTensors state = random_state(*generator), average = random_state(*generator),
                     wider = random_state(*make_generator(kFaces, wide));
  TorchFile file;
  const Code far = file.state_dict({{"a", torch::ones({1})}}), close = file.state_dict(wider), fitting = file.state_dict(state);
  load_weights(generator, folder.write("w.pth", file.save(code_dict({{"a", far}, {"b", close}, {"G", fitting}}))));
  CHECK(holds(*generator, state));
  // The first of two that fit.
  load_weights(generator,
               folder.write("w.pth", file.save(code_dict({{"b", close}, {"G_average", file.state_dict(average)}, {"G", fitting}}))));
  CHECK(holds(*generator, average));
  CHECK_THAT(refused_for(generator, folder.write("w.pth", file.save(code_dict({{"a", far}, {"b", close}})))),
             Catch::Contains("'dec_layers.0.layers.0.weight' has shape [11, 16, 4, 4], the network [11, 8, 4, 4]") &&
                 Catch::EndsWith("options that would fit: attgan.dec_dim = 8 (here 4)"));
}

TEST_CASE("networks from outside take weights by name, without advice on options", "[bundle]") {
  const TemporaryFolder folder;
  const at::Tensor gain = torch::ones({2}, at::requires_grad());
  Generator generator =
      make_callable_generator(kFaces, [](const at::Tensor& image, const at::Tensor&) { return image; }, {.parameters = {{"gain", gain}}});
  load_weights(generator, folder.write("w.pth", torch_file({{"gain", torch::tensor({2.F, 3.F})}})));
  CHECK(at::equal(gain, torch::tensor({2.F, 3.F})));  // the very tensor that the function computes with
  CHECK(refused_for(generator, folder.write("w.pth", torch_file({{"gain", torch::ones({3})}}))) ==
        "'gain' has shape [3], the network [2]; it holds 'gain'");
  Discriminator critic = make_callable_discriminator(kFaces, [](const at::Tensor& image) { return Scores{image, image}; },
                                                     {.buffers = {{"bias", torch::zeros({2})}}});
  CHECK_THAT(refused_for(critic, folder.write("w.pth", torch_file(module_state(*make_generator(kFaces, kTwoLayers))))),
             Catch::StartsWith("'bias' is missing (") && Catch::EndsWith("a generator 'attgan' of 3 attributes"));
}

TEST_CASE("face parsers take zllrunning's names and do without yakhyo's classifier", "[bundle]") {
  const TemporaryFolder folder;
  Parser parser = make_parser({.options = {.network = ParserNetwork::kBisenetResnet18}, .classes = 19});
  const NamedTensors ours = module_state(*parser);
  std::unordered_map<std::string, at::Tensor> by_name;
  for (const auto& [name, tensor] : ours) by_name.emplace(name, tensor.is_floating_point() ? tensor.detach() + 1 : tensor.detach() + 5);
  NamedTensors theirs, expected;
  for (const auto& [name, shape] : published_keys("bisenet_zllrunning_r18")) {
    theirs.emplace_back(name, by_name.at(bisenet_name_from_zllrunning(name)));
  }
  for (const auto& [name, tensor] : ours) {
    expected.emplace_back(name, name.starts_with("fpn.backbone.fc.") ? tensor.detach().clone() : by_name.at(name));
  }
  load_weights(parser, folder.write("79999_iter.pth", encode_safetensors(theirs)));
  CHECK(holds(*parser, expected));

  Parser other = make_parser({.options = {.network = ParserNetwork::kBisenetResnet18}, .classes = 11});
  CHECK_THAT(refused_for(other, folder.path() / "79999_iter.pth"),
             Catch::StartsWith("'conv_out.conv.weight' has shape [19, 256, 1, 1], the network [11, 256, 1, 1] (3 entries differ)") &&
                 Catch::EndsWith("a parser 'bisenet-resnet18' of 19 classes; options that would fit: classes = 19 (here 11)"));
}

TEST_CASE("a ResNet does without SwAV's heads, and no other network does", "[bundle]") {
  torch::manual_seed(16);
  const TemporaryFolder folder;
  ResNet network(ResNetOptions{});
  const NamedTensors state = random_state(*network);
  NamedTensors with_heads = state;
  with_heads.emplace_back("projection_head.0.weight", torch::ones({2, 2}));
  with_heads.emplace_back("prototypes.weight", torch::ones({2, 2}));
  const fs::path file = folder.write("swav.pth.tar", encode_safetensors(with_heads));
  load_weights(network, file);
  CHECK(holds(*network, state));
  torch::nn::Module& module = *network;
  CHECK_THROWS_WITH(load_weights(module, file), Catch::Contains("'projection_head.0.weight' belongs to no layer of the network (2 entries "
                                                                "differ); the file seems to hold a network 'resnet-18' without"));
  ResNet classified(ResNetOptions{.classes = 10});
  CHECK(refused_for(classified, file) ==
        "'fc.weight' is missing (2 entries differ); the file seems to hold a network 'resnet-18' without a classifier");
}

TEST_CASE("the Inception v3 is read under both names, with its classifier where there is one", "[bundle]") {
  torch::manual_seed(17);
  const TemporaryFolder folder;
  InceptionV3 network(InceptionV3Options{.classes = 1008});
  const NamedTensors state = copied(module_state(*network));
  const InceptionV3 whole = read_inception_v3(folder.write("w.pth", encode_safetensors(state)));
  CHECK(whole->has_logits());
  CHECK_FALSE(whole->is_training());
  CHECK(holds(*whole, state));

  std::unordered_map<std::string, at::Tensor> by_name(state.begin(), state.end());
  NamedTensors wrapped;
  for (const auto& [name, shape] : published_keys("fid_inception_pytorchfid_wrapper")) {
    wrapped.emplace_back(name, by_name.at(inception_name_from_wrapper(name)));
  }
  const InceptionV3 without = read_inception_v3(folder.write("w.pth", encode_safetensors(wrapped)));
  CHECK_FALSE(without->has_logits());
  CHECK(holds(*without, less(state, "fc.")));
  CHECK(refused_for(network, folder.path() / "w.pth") ==
        "'fc.weight' is missing (2 entries differ); the file seems to hold a network 'inception-v3' without a classifier");

  CHECK_THROWS_AS(read_inception_v3(folder / "nowhere.pth"), FileNotFound);
  CHECK_THROWS_WITH(read_inception_v3(folder / "nowhere.pth"), Catch::Contains("nowhere.pth' is missing; nothing is downloaded") &&
                                                                   Catch::Contains(std::string(kInceptionWeightsOrigin)));
  CHECK_THROWS_WITH(read_swav_resnet50(folder / "nowhere.pth"), Catch::Contains(std::string(kSwavWeightsOrigin)));
}
