#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "secgan/core/attributes.hpp"
#include "secgan/core/labels.hpp"
#include "secgan/editing/regions.hpp"

using namespace secgan;

namespace {

int64_t class_id(const std::string& name) {
  const auto& names = class_names(Labels::kSecgan12);
  return std::find(names.begin(), names.end(), name) - names.begin();
}

}  // namespace

TEST_CASE("every attribute of CelebA's list has a region of known classes", "[evaluation]") {
  for (const std::string& name : celeba_attribute_names()) {
    CHECK_FALSE(attribute_region(name).empty());
    for (const int64_t id : attribute_region(name)) CHECK((id >= 0 && id < kSecganClasses));
  }
  // Not everything: a region that holds all classes would let any edit pass.
  CHECK(attribute_region("Eyeglasses") == std::vector<int64_t>{class_id("glasses"), class_id("eyes"), class_id("eyebrows")});
  CHECK(attribute_region("no such attribute").size() == 11);
}

TEST_CASE("an edit may touch its region before and after, and a margin around it", "[evaluation]") {
  const int64_t skin = class_id("skin"), glasses = class_id("glasses"), hair = class_id("hair");
  at::Tensor before = torch::full({1, 9, 9}, skin, torch::kLong), after = before.clone();
  after[0][4][4] = glasses;
  before[0][0][0] = hair;
  CHECK(at::equal(touchable(before, after, "Eyeglasses", 0)[0], after[0].eq(glasses)));
  // A square of 3 x 3 around it.
  const at::Tensor grown = touchable(before, after, "Eyeglasses", 1)[0];
  CHECK(grown.sum().item<int64_t>() == 9);
  CHECK(grown.narrow(0, 3, 3).narrow(1, 3, 3).all().item<bool>());
  // What is no longer there counts as well.
  CHECK(touchable(before, after, "Bald", 0)[0][0][0].item<bool>());
  CHECK(at::equal(touchable(after, before, "Eyeglasses", 1), touchable(before, after, "Eyeglasses", 1)));
  CHECK_THROWS_WITH(touchable(before, after, "Bald", -1), "margin -1 is negative");
}

TEST_CASE("weights of a region are 0 outside of it, 1 well inside, and rise in between, at any size", "[editing]") {
  at::Tensor region = at::zeros({64, 64}, at::kBool);
  region.narrow(0, 0, 30).narrow(1, 20, 24).fill_(true);  // to the picture's upper edge
  region[50][50] = true;                                  // narrower than the border
  for (const auto& [height, width] : std::vector<std::pair<int64_t, int64_t>>{{64, 64}, {150, 200}, {40, 33}}) {
    CAPTURE(height, width);
    const at::Tensor weights = region_weights(region, height, width);
    const at::Tensor inside = at::upsample_nearest2d(region.to(at::kFloat).view({1, 1, 64, 64}), {height, width})[0][0] > 0;
    CHECK(weights.masked_select(~inside).eq(0).all().item<bool>());
    CHECK(weights.ge(0).logical_and(weights.le(1)).all().item<bool>());
    CHECK(weights[0][width / 2].item<double>() == Approx(1));  // the picture's edge is no border
    CHECK(weights[height / 4][width / 2].item<double>() == Approx(1));
  }
  const at::Tensor row = region_weights(region, 64, 64)[10];
  CHECK(row[20].item<double>() < 0.5);
  for (int64_t x = 20; x < 31; ++x) CHECK(row[x].item<double>() <= row[x + 1].item<double>());
}
