#include "secgan/nn/engine.hpp"

#include <torch/torch.h>

#include <catch2/catch.hpp>

#include <filesystem>

#include "secgan/bundle/bundle.hpp"
#include "secgan/core/error.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/models/attgan.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/models/stargan.hpp"
#include "secgan/models/stgan.hpp"

namespace secgan {
namespace {

bool openvino_is_there() {
  if (available_engines().size() > 1) return true;
  WARN("skipped: the engine openvino is not there (pip install openvino before the build)");
  return false;
}

TensorsFunction function_of(const Generator& generator) {
  return [network = generator.ptr()](const std::vector<at::Tensor>& inputs) { return network->forward(inputs[0], inputs[1]); };
}

/// Weights, statistics and affine parameters that none of the norms leaves as they begin.
Generator random_generator(const GeneratorOptions& options, int64_t side = 64, OutputActivation output = OutputActivation::kTanh) {
  torch::manual_seed(3);
  Generator generator = make_generator({5, side, 3, output}, options);
  const torch::NoGradGuard no_grad;
  for (auto& item : generator->named_buffers()) {
    if (item.key().ends_with("running_var")) item.value().uniform_(0.5, 2);
    if (item.key().ends_with("running_mean")) item.value().normal_(0, 0.2);
  }
  for (auto& item : generator->named_parameters()) {
    if (item.value().dim() == 1) item.value().add_(torch::randn_like(item.value()) * 0.2);
  }
  generator->eval();
  return generator;
}

std::vector<at::Tensor> inputs_of(int64_t batch, int64_t side = 64) {
  torch::manual_seed(5);
  return {torch::rand({batch, 3, side, side}) * 2 - 1, torch::randint(-1, 2, {batch, 5}).to(torch::kFloat)};
}

const std::vector<std::pair<std::string, GeneratorOptions>>& networks() {
  static const std::vector<std::pair<std::string, GeneratorOptions>> all = [] {
    std::vector<std::pair<std::string, GeneratorOptions>> out;
    AttGanGeneratorOptions attgan{.enc_dim = 8, .dec_dim = 8, .shortcut_layers = 2, .inject_layers = 1};
    out.emplace_back("attgan", attgan);
    attgan.enc_norm_fn = Normalization::kSwitchable;
    attgan.dec_norm_fn = Normalization::kInstance;
    for (const auto& [name, upsampling] : kUpsamplings) {
      attgan.upsampling = upsampling;
      out.emplace_back("attgan, " + std::string(name), attgan);
    }
    StganGeneratorOptions stgan{.conv_dim = 8};
    for (const auto& [name, state] : kStuStates) {
      stgan.stu_state = state;
      out.emplace_back("stgan, " + std::string(name), stgan);
    }
    StganGeneratorOptions official = StganGeneratorOptions::official();
    official.conv_dim = 8;
    out.emplace_back("stgan, official", official);
    out.emplace_back("stargan", StarGanGeneratorOptions{.conv_dim = 8});
    out.emplace_back("stargan, running", StarGanGeneratorOptions{.conv_dim = 8, .norm_fn = Normalization::kRunningInstance});
    return out;
  }();
  return all;
}

void compare(Engine engine, const std::vector<std::pair<std::string, GeneratorOptions>>& all = networks(),
             OutputActivation output = OutputActivation::kTanh) {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, options] : all) {
    INFO(name);
    Generator generator = random_generator(options, 64, output);
    const CompiledNetwork compiled = compile_network(engine, *generator, function_of(generator), inputs_of(2));
    REQUIRE(compiled.engine == engine);
    for (const int64_t batch : {1, 2, 5}) {
      const auto inputs = inputs_of(batch);
      const at::Tensor expected = generator->forward(inputs[0], inputs[1]), found = compiled.run(inputs);
      REQUIRE(found.sizes() == expected.sizes());
      REQUIRE(expected.std().item<double>() > 1e-3);  // a constant picture would hide everything
      REQUIRE((found - expected).abs().max().item<double>() < 1e-4);
    }
  }
}

}  // namespace

TEST_CASE("in bfloat16 the shipped bundle's edits are within a level of 255, but for a few values", "[engine]") {
  const torch::NoGradGuard no_grad;
  const std::filesystem::path root = std::filesystem::path(SECGAN_GOLDEN_DIR).parent_path().parent_path();
  const Bundle bundle = load_bundle(root / "models/drawn-faces");
  Generator generator = bundle.generator;
  const int64_t side = bundle.info.image_size, attributes = generator->spec().attributes;
  std::vector<at::Tensor> faces;
  // Each attribute added to a face that has none.
  for (int64_t i = 0; i < attributes; ++i)
    faces.push_back(to_float(draw_face(static_cast<uint64_t>(i), at::zeros({attributes}), side).image));
  const at::Tensor none = at::zeros({attributes, attributes});
  const std::vector<at::Tensor> inputs{at::stack(faces), bundle.condition(none, at::eye(attributes))};
  const at::Tensor expected = generator->forward(inputs[0], inputs[1]);
  std::vector<Engine> engines{Engine::kLibtorch};
  if (openvino_is_there()) engines.push_back(Engine::kOpenvino);
  for (const Engine engine : engines) {
    const CompiledNetwork compiled = compile_network(engine, *generator, function_of(generator), inputs, Precision::kBfloat16);
    INFO(compiled.name);
    const at::Tensor error = (compiled.run(inputs) - expected).abs() / 2;  // of [0, 1]
    UNSCOPED_INFO("largest error in levels: " << 255 * error.max().item<double>());
    // A mantissa of 8 bits: at edges of strong contrast a value is up to two levels off.
    CHECK(error.mean().item<double>() < 0.25 / 255);
    CHECK((error > 1.0 / 255).to(at::kFloat).mean().item<double>() < 1e-3);
    CHECK(error.max().item<double>() < 2.0 / 255);
  }
}

TEST_CASE("the engine openvino computes what LibTorch does", "[engine]") {
  if (openvino_is_there()) compare(Engine::kOpenvino);
}

TEST_CASE("the engine libtorch, packed, computes what the plain modules do", "[engine]") { compare(Engine::kLibtorch); }

TEST_CASE("both engines compute attention", "[engine]") {
  const std::vector<std::pair<std::string, GeneratorOptions>> all{
      {"attgan", AttGanGeneratorOptions{.enc_dim = 8, .dec_dim = 8, .upsampling = Upsampling::kSubpixel}},
      {"stgan", StganGeneratorOptions{.conv_dim = 8}},
      {"stargan", StarGanGeneratorOptions{.conv_dim = 8}}};
  compare(Engine::kLibtorch, all, OutputActivation::kAttention);
  if (openvino_is_there()) compare(Engine::kOpenvino, all, OutputActivation::kAttention);
}

TEST_CASE("networks whose inner maps are small and wide are computed as products, to the same numbers", "[engine]") {
  compare(Engine::kLibtorch, {{"attgan, as published", AttGanGeneratorOptions()}});
  // Where OpenVINO is there, too, it is not the faster one.
  Generator generator = random_generator(AttGanGeneratorOptions());
  CHECK(compile_network(Engine::kAuto, *generator, function_of(generator), inputs_of(2)).engine == Engine::kLibtorch);
}

}  // namespace secgan
