#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "numeric.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/labels.hpp"

using namespace secgan;
using namespace secgan::testing;

TEST_CASE("the two 19-class orders merge to the twelve as published", "[core]") {
  CHECK(ClassMerge(Labels::kFaceParsing).table() == std::vector<int64_t>{11, 0, 1, 1, 2, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9, 11, 11, 10, 11});
  CHECK(ClassMerge(Labels::kCelebAMaskHq).table() == std::vector<int64_t>{11, 0, 6, 3, 2, 2, 1, 1, 4, 4, 7, 8, 8, 10, 11, 5, 11, 9, 11});
  CHECK(class_names(Labels::kFaceParsing)[17] == "hair");
  CHECK(class_names(Labels::kCelebAMaskHq)[13] == "hair");
  CHECK(ClassMerge(Labels::kSecgan12).identity());
}

TEST_CASE("merging probabilities sums the members, in the log domain too", "[core]") {
  torch::manual_seed(1);
  for (const Labels from : {Labels::kFaceParsing, Labels::kCelebAMaskHq}) {
    const ClassMerge merge(from);
    const at::Tensor logits = randn64({2, 19, 3, 3});
    const at::Tensor probabilities = logits.softmax(1);
    at::Tensor expected = at::zeros({2, 12, 3, 3}, at::kDouble);
    for (int64_t i = 0; i < 19; ++i) {
      expected.select(1, merge.table()[static_cast<size_t>(i)]) += probabilities.select(1, i);
    }
    CHECK(max_difference(merge.probabilities(probabilities), expected) < 1e-15);
    CHECK(max_difference(merge.log_probabilities(logits), expected.log()) < 1e-12);
  }
}

TEST_CASE("merged log-probabilities stay finite where the probabilities underflow", "[core]") {
  at::Tensor logits = at::zeros({1, 19, 1, 1});
  logits[0][1] = 500.0;
  const at::Tensor merged = ClassMerge(Labels::kFaceParsing).log_probabilities(logits);
  CHECK(merged.isfinite().all().item<bool>());
  CHECK(merged[0][10][0][0].item<float>() == Approx(-500.0f));
}

TEST_CASE("merging ids maps each one and refuses an unknown one by number", "[core]") {
  const ClassMerge merge(Labels::kCelebAMaskHq);
  const at::Tensor ids = torch::tensor({{0, 2}, {13, 17}}, at::kByte);
  CHECK(at::equal(merge.ids(ids), torch::tensor({{11, 6}, {10, 9}}, at::kByte)));
  CHECK_THROWS_WITH(merge.ids(torch::tensor({0, 19}, at::kByte)), Catch::Contains("class id 19") && Catch::Contains("0 to 18"));
}

TEST_CASE("custom groups must be a partition of the class ids", "[core]") {
  CHECK(ClassMerge({{0, 2}, {1}}).table() == std::vector<int64_t>{0, 1, 0});
  CHECK_THROWS_WITH(ClassMerge({{0, 1}, {1}}), Catch::Contains("class id 1 stands in two groups"));
  CHECK_THROWS_WITH(ClassMerge({{0}, {2}}), Catch::Contains("class id 1 is in no group"));
}
