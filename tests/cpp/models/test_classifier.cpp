#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "numeric.hpp"
#include "secgan/core/error.hpp"
#include "secgan/models/classifier.hpp"
#include "secgan/nn/state.hpp"

using namespace secgan;
using namespace secgan::testing;

TEST_CASE("the classifier answers a logit per attribute at every side that training offers", "[models]") {
  torch::manual_seed(1);
  for (const int64_t side : {32, 64, 96, 128}) {
    AttributeClassifier classifier = make_classifier({.attributes = 5, .image_size = side, .options = {.dim = 4, .max_dim = 8}});
    CAPTURE(side);
    CHECK(classifier->forward(torch::randn({3, 3, side, side})).sizes() == at::IntArrayRef({3, 5}));
    // The maps end at 4 x 4 or, for 96, at 3 x 3: below that no place is left to look at.
    const int64_t last = side == 96 ? 3 : 4;
    CHECK(classifier->named_parameters()["head.0.weight"].sizes() == at::IntArrayRef({5, 8 * last * last}));
  }
}

TEST_CASE("the classifier's widths double up to their cap", "[models]") {
  AttributeClassifier classifier = make_classifier({.attributes = 2, .image_size = 128, .options = {.dim = 4, .max_dim = 12}});
  const auto parameters = classifier->named_parameters();
  // Halving, halving, refining, halving, halving, refining, halving.
  const std::vector<std::vector<int64_t>> expected{{4, 3, 4, 4},   {8, 4, 4, 4},   {8, 8, 3, 3},  {12, 8, 4, 4},
                                                   {12, 12, 4, 4}, {12, 12, 3, 3}, {12, 12, 4, 4}};
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(parameters["features." + std::to_string(i) + ".0.weight"].sizes().vec() == expected[i]);
  }
  CHECK_FALSE(parameters.contains("features.7.0.weight"));
}

TEST_CASE("members are whole classifiers, whose logits are averaged and whose maps lie one after the other", "[models]") {
  torch::manual_seed(5);
  const ClassifierConfig one{.attributes = 3, .image_size = 32, .options = {.dim = 4, .max_dim = 8}};
  ClassifierConfig config = one;
  config.options.members = 3;
  AttributeClassifier together = make_classifier(config);
  together->eval();
  const at::Tensor photos = torch::randn({2, 3, 32, 32});
  at::Tensor sum = at::zeros({2, 3});
  std::vector<at::Tensor> maps, logits;
  for (int m = 0; m < 3; ++m) {
    AttributeClassifier alone = make_classifier(one);
    alone->eval();
    load_module_state(*alone, module_state(*together), "members." + std::to_string(m) + ".", "the members");
    sum += alone->forward(photos);
    maps.push_back(alone->features(photos));
    logits.push_back(alone->forward(photos));
  }
  CHECK(max_difference(logits[0], logits[1]) > 1e-3);  // drawn one by one
  CHECK(max_difference(together->forward(photos), sum / 3) < 1e-6);
  CHECK(at::equal(together->member_logits(photos), at::stack(logits, 1)));
  CHECK(at::equal(together->features(photos), at::cat(maps, 1)));
}

TEST_CASE("an evaluated photo's logits do not depend on the rest of its batch", "[models]") {
  torch::manual_seed(2);
  AttributeClassifier classifier = make_classifier({.attributes = 4, .image_size = 32, .options = {.dim = 4, .max_dim = 8}});
  classifier->eval();
  const at::Tensor photos = torch::randn({3, 3, 32, 32});
  const at::Tensor logits = classifier->forward(photos);
  CHECK(max_difference(logits[1], classifier->forward(photos.narrow(0, 1, 1))[0]) < 1e-5);
  CHECK(max_difference(logits[1], logits[0]) > 1e-4);
}

TEST_CASE("the classifier's gradient reaches every part of the photo and is right", "[models]") {
  torch::manual_seed(3);
  AttributeClassifier classifier = make_classifier({.attributes = 2, .image_size = 32, .options = {.dim = 2, .max_dim = 4}});
  classifier->to(at::kDouble);
  classifier->eval();
  const at::Tensor photo = randn64({1, 3, 32, 32});
  const at::Tensor weight = randn64({1, 2});
  const auto f = [&](const at::Tensor& x) { return (weight * classifier->forward(x)).sum(); };
  const at::Tensor gradient = analytic_gradient(f, photo);
  CHECK(gradient.abs().gt(0).to(at::kDouble).mean().item<double>() > 0.9);
  const at::Tensor direction = randn64({1, 3, 32, 32});
  const double h = 1e-6;
  const double expected = ((f(photo + h * direction) - f(photo - h * direction)) / (2 * h)).item<double>();
  CHECK((gradient * direction).sum().item<double>() == Approx(expected).margin(1e-7));
}

TEST_CASE("the classifier names the option or the photo that breaks a rule", "[models]") {
  CHECK_THROWS_WITH(make_classifier({.image_size = 100}), Catch::Contains("image_size 100 is not a multiple of 32"));
  CHECK_THROWS_WITH(make_classifier({.attributes = 0}), Catch::Contains("attributes 0 is not positive"));
  CHECK_THROWS_WITH(make_classifier({.options = {.dim = 0}}), Catch::Contains("dim 0 is not positive"));
  CHECK_THROWS_WITH(make_classifier({.options = {.max_dim = -1}}), Catch::Contains("max_dim -1 is not positive"));
  CHECK_THROWS_WITH(make_classifier({.options = {.members = 0}}), Catch::Contains("members 0 is not in [1, 64]"));
  CHECK_THROWS_WITH(make_classifier({.options = {.members = 65}}), Catch::Contains("members 65 is not in [1, 64]"));
  AttributeClassifier classifier = make_classifier({.image_size = 32, .options = {.dim = 2}});
  CHECK_THROWS_AS(classifier->forward(at::zeros({1, 3, 64, 64})), InvalidArgument);
  CHECK_THROWS_WITH(classifier->forward(at::zeros({1, 3, 64, 64})), Catch::Contains("photo must be") && Catch::Contains("[1, 3, 64, 64]"));
  CHECK_THROWS_WITH(classifier->forward(at::zeros({1, 3, 32, 32}, at::kDouble)),
                    Catch::Contains("photo must be of the type of the network's weights, float32, found float64"));
}
