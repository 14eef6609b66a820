#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "numeric.hpp"
#include "secgan/parsing/face_parser.hpp"
#include "secgan/parsing/parser.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

FaceParser unet_parser(Parser& network, Labels labels = Labels::kCelebAMaskHq) {
  freeze(*network);
  return FaceParser([network](const at::Tensor& x) mutable { return network->forward(x); }, ClassMerge(labels), PhotoNormalization::kNone);
}

}  // namespace

TEST_CASE("the frozen parser passes gradient to the photo and receives none", "[parsing]") {
  torch::manual_seed(1);
  Parser network = make_parser({.options = {.unet = {.dim = 4, .levels = 2}}, .classes = 19});
  const FaceParser parser = unet_parser(network);
  const at::Tensor photo = torch::rand({2, 3, 8, 8}).requires_grad_(true);
  parser.log_probabilities(photo).select(1, 3).sum().backward();
  CHECK(photo.grad().abs().max().item<float>() > 0);
  for (const at::Tensor& parameter : network->parameters()) {
    CHECK_FALSE(parameter.grad().defined());
    CHECK_FALSE(parameter.requires_grad());
  }
  CHECK_FALSE(network->is_training());
}

TEST_CASE("the gradient through the parser to the photo is right to second order", "[parsing]") {
  torch::manual_seed(2);
  // Smooth, so that central differences apply everywhere.
  const at::Tensor weight = randn64({19, 3, 1, 1});
  const FaceParser parser([&](const at::Tensor& x) { return at::conv2d(x.tanh(), weight); }, ClassMerge(Labels::kFaceParsing),
                          PhotoNormalization::kImagenet, 6);
  const at::Tensor photo = randn64({1, 3, 3, 3});
  const at::Tensor direction = randn64({1, 3, 3, 3});
  const at::Tensor target = randn64({1, 12, 3, 3});
  const auto f = [&](const at::Tensor& x) { return (target * parser.log_probabilities(x)).mean(); };
  CHECK(max_difference(analytic_gradient(f, photo), numeric_gradient(f, photo)) < 1e-8);
  CHECK(max_difference(analytic_hessian_product(f, photo, direction), numeric_hessian_product(f, photo, direction)) < 1e-7);
}

TEST_CASE("the parser answers the merged classes at the photo's size, and they sum to one", "[parsing]") {
  torch::manual_seed(3);
  Parser network = make_parser({.options = {.unet = {.dim = 4, .levels = 2}}, .classes = 19});
  freeze(*network);
  const FaceParser parser([network](const at::Tensor& x) mutable { return network->forward(x); }, ClassMerge(Labels::kCelebAMaskHq),
                          PhotoNormalization::kNone, 16);
  const at::Tensor probabilities = parser.probabilities(torch::rand({2, 3, 11, 13}));
  CHECK(probabilities.sizes() == at::IntArrayRef({2, 12, 11, 13}));
  CHECK(max_difference(probabilities.sum(1), at::ones({2, 11, 13})) < 1e-5);
  CHECK(at::equal(parser.ids(at::zeros({1, 3, 8, 8})), parser.log_probabilities(at::zeros({1, 3, 8, 8})).argmax(1).to(at::kByte)));
}

TEST_CASE("ImageNet normalization and resizing reach the network as documented", "[parsing]") {
  at::Tensor seen;
  const FaceParser parser(
      [&](const at::Tensor& x) {
        seen = x;
        return at::zeros({x.size(0), 12, x.size(2), x.size(3)});
      },
      ClassMerge(Labels::kSecgan12), PhotoNormalization::kImagenet, 4);
  parser.probabilities(at::ones({1, 3, 2, 2}));
  CHECK(seen.sizes() == at::IntArrayRef({1, 3, 4, 4}));
  CHECK(seen[0][0][0][0].item<float>() == Approx((1 - 0.485) / 0.229));
  CHECK(seen[0][2][3][3].item<float>() == Approx((1 - 0.406) / 0.225));
}

TEST_CASE("a network with another number of classes than the labels is refused with both numbers", "[parsing]") {
  const FaceParser parser([](const at::Tensor& x) { return at::zeros({x.size(0), 12, 4, 4}); }, ClassMerge(Labels::kFaceParsing),
                          PhotoNormalization::kNone);
  CHECK_THROWS_WITH(parser.probabilities(at::zeros({1, 3, 4, 4})), Catch::Contains("[1, 19, h, w]") && Catch::Contains("[1, 12, 4, 4]"));
  CHECK_THROWS_WITH(parser.probabilities(at::zeros({1, 4, 4, 4})), Catch::Contains("photo must be [N, 3, H, W]"));
}

TEST_CASE("the U-Net names the rule on sides and has the documented size", "[parsing]") {
  Parser network = make_parser({.classes = 12});
  int64_t parameters = 0;
  for (const auto& p : network->parameters()) parameters += p.numel();
  // Levels of 16, 32, 64, 128: convolutions 3x3 without bias, two norms each, a 1x1 head with bias.
  const auto pair = [](int64_t in, int64_t out) { return 9 * in * out + 9 * out * out + 4 * out; };
  CHECK(parameters ==
        pair(3, 16) + pair(16, 32) + pair(32, 64) + pair(64, 128) + pair(192, 64) + pair(96, 32) + pair(48, 16) + 16 * 12 + 12);
  CHECK(network->forward(at::zeros({1, 3, 16, 24})).sizes() == at::IntArrayRef({1, 12, 16, 24}));
  CHECK_THROWS_WITH(network->forward(at::zeros({1, 3, 20, 24})), Catch::Contains("side 20 is not a multiple of 8"));
}
