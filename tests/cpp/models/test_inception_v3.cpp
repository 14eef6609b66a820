#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "golden.hpp"
#include "numeric.hpp"
#include "secgan/core/error.hpp"
#include "secgan/models/inception_v3.hpp"
#include "secgan/nn/blocks.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

/// The golden rows' photo in [0, 1], as pytorch-fid brings it to the network.
at::Tensor fid_input() {
  const at::Tensor photo = (golden_image({2, 3, 128, 128}) + 1) / 2;
  return 2 * at::upsample_bilinear2d(photo, {299, 299}, /*align_corners=*/false) - 1;
}

}  // namespace

TEST_CASE("the FID Inception v3 is the public one, entry by entry and number by number", "[models]") {
  torch::NoGradGuard no_grad;
  InceptionV3 network;
  network->eval();
  CHECK(keys_of(*network) == published_keys("fid_inception_checkpoint_layout"));
  CHECK(parameter_count(*network) == 23850960);
  fill_golden(*network);

  const std::vector<at::Tensor> blocks = network->blocks(fid_input());
  REQUIRE(blocks.size() == 4);
  CHECK(blocks[0].sizes() == at::IntArrayRef({2, 64, 73, 73}));
  CHECK(blocks[1].sizes() == at::IntArrayRef({2, 192, 35, 35}));
  CHECK(blocks[2].sizes() == at::IntArrayRef({2, 768, 17, 17}));
  CHECK(blocks[3].sizes() == at::IntArrayRef({2, 2048, 8, 8}));
  check_golden(blocks[0], {0.2110446, 0.1995721, {}});
  check_golden(blocks[1], {0.159675, 0.1758005, {}});
  check_golden(blocks[2], {0.0454629, 0.0652384, {}});
  const at::Tensor features = network->features(fid_input());
  check_golden(features, {0.0475707, 0.0659457, {0.154001, 0.011038, 0.15399, 0.0}});

  // An earlier block alone is the same block, averaged.
  for (size_t i = 0; i < blocks.size(); ++i) {
    CHECK(max_difference(network->features(fid_input(), kInceptionDims[i]), blocks[i].mean({2, 3})) < 1e-6);
  }

  const auto parameters = network->named_parameters();
  const at::Tensor unbiased = features.matmul(parameters["fc.weight"].t());
  CHECK(max_difference(network->logits(features), unbiased + parameters["fc.bias"]) < 1e-5);
  CHECK(max_difference(network->logits(features, /*bias=*/false), unbiased) < 1e-5);
}

TEST_CASE("pytorch-fid's own names of the Inception v3 become the checkpoint's, in its order", "[models]") {
  KeyList renamed;
  for (const auto& [name, shape] : published_keys("fid_inception_pytorchfid_wrapper")) {
    renamed.emplace_back(inception_name_from_wrapper(name), shape);
  }
  CHECK(renamed == keys_of(*InceptionV3(InceptionV3Options{.classes = 0})));
  for (const std::string name :
       {"fc.weight", "blocks.4.0.conv.weight", "blocks.0.3.conv.weight", "blocks.x", "blocks.1", "blocks.-1.0.w"}) {
    CHECK(inception_name_from_wrapper(name) == name);
  }
}

TEST_CASE("the Inception v3 names what it cannot do", "[models]") {
  InceptionV3 network(InceptionV3Options{.classes = 0});
  CHECK_FALSE(network->has_logits());
  CHECK_THROWS_WITH(network->logits(at::zeros({1, 2048})), Catch::Contains("no logits"));
  CHECK_THROWS_WITH(network->features(at::zeros({1, 3, 299, 299}), 100),
                    Catch::Contains("dims 100") && Catch::Contains("64, 192, 768, 2048"));
  CHECK_THROWS_WITH(network->features(at::zeros({1, 3, 74, 299})), Catch::Contains("at least 75 x 75") && Catch::Contains("74 x 299"));
  CHECK_THROWS_AS(network->features(at::zeros({1, 1, 299, 299})), InvalidArgument);
  CHECK_THROWS_WITH(InceptionV3(InceptionV3Options{.classes = -1}), Catch::Contains("classes -1"));
}
