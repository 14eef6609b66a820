#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <limits>

#include "secgan/core/attributes.hpp"
#include "secgan/core/error.hpp"

using namespace secgan;

namespace {
const AttributeSchema kSchema({"Bald", "Bangs", "Black_Hair", "Blond_Hair", "Eyeglasses"});
at::Tensor row(std::vector<float> values) { return at::tensor(values).unsqueeze(0); }
}  // namespace

TEST_CASE("flipping an attribute on turns off what it excludes, and nothing else", "[core]") {
  CHECK(at::equal(kSchema.flip(row({0, 1, 1, 0, 1}), 0), row({1, 0, 0, 0, 1})));
  CHECK(at::equal(kSchema.flip(row({0, 1, 1, 0, 1}), 3), row({0, 1, 0, 1, 1})));
  CHECK(at::equal(kSchema.flip(row({1, 0, 0, 0, 0}), 1), row({0, 1, 0, 0, 0})));
}

TEST_CASE("flipping an attribute off turns nothing on", "[core]") {
  CHECK(at::equal(kSchema.flip(row({1, 0, 0, 0, 1}), 0), row({0, 0, 0, 0, 1})));
}

TEST_CASE("flip treats each row of a batch by itself and leaves its argument alone", "[core]") {
  const at::Tensor labels = at::cat({row({0, 0, 1, 0, 0}), row({0, 0, 0, 1, 0})});
  const at::Tensor kept = labels.clone();
  const at::Tensor flipped = kSchema.flip(labels, 3);
  CHECK(at::equal(flipped, at::cat({row({0, 0, 0, 1, 0}), row({0, 0, 0, 0, 0})})));
  CHECK(at::equal(labels, kept));
}

TEST_CASE("each row may flip an attribute of its own", "[core]") {
  const at::Tensor labels = at::cat({row({0, 1, 1, 0, 1}), row({0, 1, 1, 0, 1}), row({1, 0, 0, 0, 1})});
  const at::Tensor index = at::tensor(std::vector<int64_t>{0, 4, 3});
  CHECK(at::equal(kSchema.flip(labels, index), at::cat({row({1, 0, 0, 0, 1}), row({0, 1, 1, 0, 0}), row({0, 0, 0, 1, 1})})));
  CHECK_THROWS_WITH(kSchema.flip(labels, at::tensor(std::vector<int64_t>{0, 5, 3})), "attribute must lie in [0, 4], found 5");
  CHECK_THROWS_WITH(kSchema.flip(labels, index.narrow(0, 0, 2)), Catch::Contains("attribute must be [N]"));
  CHECK_THROWS_WITH(kSchema.flip(labels, -1), "attribute must lie in [0, 4], found -1");
  CHECK_THROWS_WITH(kSchema.flip(labels.narrow(0, 0, 0), 5), "attribute must lie in [0, 4], found 5");
}

TEST_CASE("a difference adds what is missing, removes what is there, and scales with the strength", "[core]") {
  const at::Tensor source = at::cat({row({0, 0, 1, 0, 0}), row({0, 0, 0, 0, 1})});
  const at::Tensor d = kSchema.difference(source, {{"Eyeglasses", 0.5}, {"Black_Hair", -1.5}});
  CHECK(at::equal(d, at::cat({row({0, 0, -1.5, 0, 0.5}), row({0, 0, 0, 0, 0})})));
}

TEST_CASE("a difference removes what the added attribute excludes, unless asked about it", "[core]") {
  CHECK(at::equal(kSchema.difference(row({0, 1, 1, 0, 0}), {{"Bald", 1}}), row({1, -1, -1, 0, 0})));
  CHECK(at::equal(kSchema.difference(row({0, 1, 1, 0, 0}), {{"Bald", 1}, {"Bangs", 0}}), row({1, 0, -1, 0, 0})));
}

TEST_CASE("wishes that make no sense are refused with the attribute's name", "[core]") {
  const at::Tensor source = row({0, 0, 0, 0, 0});
  CHECK_THROWS_WITH(kSchema.difference(source, {{"Hat", 1}}), Catch::Contains("'Hat' is unknown; known: Bald, Bangs, Black_Hair"));
  CHECK_THROWS_WITH(kSchema.difference(source, {{"Bald", 1}, {"Bangs", 1}}), Catch::Contains("exclude each other"));
  CHECK_THROWS_WITH(kSchema.difference(source, {{"Bald", 1}, {"Bald", 1}}), Catch::Contains("given twice"));
  CHECK_THROWS_WITH(kSchema.difference(source, {{"Bald", std::numeric_limits<double>::quiet_NaN()}}), Catch::Contains("must be finite"));
  CHECK_THROWS_WITH(kSchema.difference(at::zeros({1, 4}), {{"Bald", 1}}), Catch::Contains("source must be [N, A]"));
  CHECK_THROWS_WITH(AttributeSchema({"Bald", "Bald"}), Catch::Contains("given twice"));
}

TEST_CASE("STGAN's rules know no Mustache against No_Beard, nor Bald against colors, without rules nothing follows", "[core]") {
  const std::vector<std::string> names{"Bald", "Bangs", "Black_Hair", "Mustache", "No_Beard"};
  const at::Tensor labels = row({0, 1, 1, 0, 1});
  CHECK(at::equal(AttributeSchema(names).flip(labels, 0), row({1, 0, 0, 0, 1})));
  CHECK(at::equal(AttributeSchema(names, ConflictRules::kStgan).flip(labels, 0), row({1, 0, 1, 0, 1})));
  CHECK(at::equal(AttributeSchema(names, ConflictRules::kNone).flip(labels, 0), row({1, 1, 1, 0, 1})));
  CHECK(at::equal(AttributeSchema(names).flip(labels, 3), row({0, 1, 1, 1, 0})));
  CHECK(at::equal(AttributeSchema(names, ConflictRules::kStgan).flip(labels, 3), row({0, 1, 1, 1, 1})));
}

TEST_CASE("CelebA's list has 40 names, each once", "[core]") {
  CHECK(AttributeSchema(celeba_attribute_names()).size() == 40);
  CHECK(celeba_attribute_names()[15] == "Eyeglasses");
  CHECK(celeba_attribute_names()[39] == "Young");
}
