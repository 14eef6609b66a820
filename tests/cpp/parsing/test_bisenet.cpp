#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "golden.hpp"
#include "numeric.hpp"
#include "secgan/core/error.hpp"
#include "secgan/nn/blocks.hpp"
#include "secgan/parsing/bisenet.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

Parser evaluated(ParserNetwork network = ParserNetwork::kBisenetResnet18) {
  Parser parser = make_parser({.options = {.network = network}});
  parser->eval();
  return parser;
}

/// The backbone's own classifier, which takes no part in parsing.
bool unused(const std::string& name) { return name.starts_with("fpn.backbone.fc."); }

}  // namespace

TEST_CASE("BiSeNet is yakhyo's, entry by entry and number by number", "[parsing]") {
  struct Published {
    ParserNetwork network;
    std::string keys;
    int64_t parameters;
    GoldenRow row;
  };
  const Published published = GENERATE(Published{ParserNetwork::kBisenetResnet18,
                                                 "bisenet_yakhyo_resnet18",
                                                 13813416,
                                                 {0.0477664, 0.8165925, {-0.248095, 0.245627, 0.063771, -0.382878}}},
                                       Published{ParserNetwork::kBisenetResnet34,
                                                 "bisenet_yakhyo_resnet34",
                                                 23921576,
                                                 {-0.1493851, 1.5834445, {0.682414, -2.680839, -0.064079, 0.348631}}});
  CAPTURE(published.keys);
  torch::NoGradGuard no_grad;
  Parser parser = evaluated(published.network);
  CHECK(keys_of(*parser) == published_keys(published.keys));
  CHECK(parameter_count(*parser) == published.parameters);
  fill_golden(*parser);
  check_golden(parser->forward(golden_image({1, 3, 256, 256})), published.row);
}

TEST_CASE("BiSeNet is zllrunning's under other names, in three heads and at sides that do not divide", "[parsing]") {
  torch::NoGradGuard no_grad;
  Parser parser = evaluated();
  NamedTensors used;
  KeyList keys;
  for (const auto& [name, tensor] : module_state(*parser)) {
    if (unused(name)) continue;
    used.emplace_back(name, tensor);
    keys.emplace_back(name, tensor.sizes().vec());
  }
  KeyList renamed;
  for (const auto& [name, shape] : published_keys("bisenet_zllrunning_r18")) {
    renamed.emplace_back(bisenet_name_from_zllrunning(name), shape);
  }
  CHECK(renamed == keys);

  fill_golden(used);
  const at::Tensor photo = golden_image({1, 3, 256, 256});
  const std::vector<at::Tensor> heads = parser->heads(photo);
  REQUIRE(heads.size() == 3);
  check_golden(heads[0], {0.1867101, 0.4918507, {0.189473, 1.136379, -0.639515, 0.152561}});
  check_golden(heads[1], {0.0088252, 0.6001264, {-0.156282, 0.211296, 0.139268, 0.174563}});
  check_golden(heads[2], {0.2183482, 0.5124604, {-0.182946, 0.053221, -0.561225, -0.473981}});
  CHECK(at::equal(parser->forward(photo), heads[0]));
  check_golden(parser->forward(golden_image({1, 3, 200, 136})), {0.1846386, 0.4678198, {0.164024, 0.919934, -0.781228, 0.070582}});
}

TEST_CASE("BiSeNet answers the asked-for classes at any size", "[parsing]") {
  torch::NoGradGuard no_grad;
  Parser parser = make_parser({.options = {.network = ParserNetwork::kBisenetResnet18}, .classes = 12});
  parser->eval();
  for (const at::Tensor& logits : parser->heads(at::zeros({2, 3, 33, 1}))) {
    CHECK(logits.sizes() == at::IntArrayRef({2, 12, 33, 1}));
  }
}

TEST_CASE("a loss over BiSeNet's heads trains every parameter but the unused classifier's", "[parsing]") {
  torch::manual_seed(1);
  Parser parser = make_parser({.options = {.network = ParserNetwork::kBisenetResnet18}});
  at::Tensor loss = at::zeros({});
  for (const at::Tensor& logits : parser->heads(torch::randn({2, 3, 64, 64}))) loss = loss + logits.square().mean();
  loss.backward();
  for (const auto& parameter : parser->named_parameters()) {
    CAPTURE(parameter.key());
    CHECK(parameter.value().requires_grad() == !unused(parameter.key()));
    CHECK((parameter.value().grad().defined() && parameter.value().grad().abs().max().item<float>() > 0) == !unused(parameter.key()));
  }
}

TEST_CASE("BiSeNet refuses to train on a single photo with its own words", "[parsing]") {
  Parser parser = make_parser({.options = {.network = ParserNetwork::kBisenetResnet18}});
  CHECK_THROWS_AS(parser->forward(at::zeros({1, 3, 32, 32})), InvalidArgument);
  CHECK_THROWS_WITH(parser->forward(at::zeros({1, 3, 32, 32})), Catch::Contains("at least 2") && Catch::Contains("found 1"));
}
