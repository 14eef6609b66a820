#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "golden.hpp"
#include "secgan/core/error.hpp"
#include "secgan/nn/resnet.hpp"

using namespace secgan;
using namespace secgan::testing;

TEST_CASE("SwAV's ResNet-50 is the public one, entry by entry and number by number", "[nn]") {
  torch::NoGradGuard no_grad;
  ResNet network(kSwavResNet50);
  network->eval();
  CHECK(keys_of(*network) == published_keys("swav_resnet50"));
  CHECK(parameter_count(*network) == 23508032);
  fill_golden(*network);
  check_golden(network->features(golden_image({2, 3, 224, 224})), {0.833939, 0.8718198, {0.000359, 0.0, 0.0, 0.4098}});
  check_golden(network->features(golden_tensor({1, 3, 224, 272}, 1001)), {0.830703, 0.8656356, {0.0, 0.66695, 0.050072, 0.379385}});
}

TEST_CASE("a ResNet's stages halve the sides, rounded up, and widen", "[nn]") {
  torch::NoGradGuard no_grad;
  const auto [depth, widths] = GENERATE(std::pair(ResNetDepth::k18, std::vector<int64_t>{64, 128, 256, 512}),
                                        std::pair(ResNetDepth::k50, std::vector<int64_t>{256, 512, 1024, 2048}));
  ResNet network(ResNetOptions{.depth = depth});
  const auto stages = network->stages(torch::rand({2, 3, 70, 33}));
  const std::vector<std::pair<int64_t, int64_t>> sides{{18, 9}, {9, 5}, {5, 3}, {3, 2}};
  REQUIRE(stages.size() == 4);
  for (size_t i = 0; i < 4; ++i) {
    CHECK(stages[i].sizes() == at::IntArrayRef({2, widths[i], sides[i].first, sides[i].second}));
  }
  CHECK(network->feature_count() == widths.back());
}

TEST_CASE("a ResNet's classifier is there when asked for, and never trained", "[nn]") {
  const ResNet with(ResNetOptions{.depth = ResNetDepth::k18, .classes = 10});
  CHECK(with->named_parameters()["fc.weight"].sizes() == at::IntArrayRef({10, 512}));
  CHECK_FALSE(with->named_parameters()["fc.weight"].requires_grad());
  CHECK_FALSE(ResNet(ResNetOptions{})->named_parameters().contains("fc.weight"));
  CHECK_THROWS_WITH(ResNet(ResNetOptions{.classes = -1}), Catch::Contains("classes -1 is negative"));
}
