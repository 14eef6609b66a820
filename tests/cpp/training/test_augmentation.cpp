#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "secgan/core/random.hpp"
#include "secgan/training/augmentation.hpp"

using namespace secgan;

namespace {

constexpr int64_t kDraws = 4000;

Augmentation drawn(const AugmentOptions& options) { return draw_augmentation(options, kDraws, 32, seeded_generator(5)); }

}  // namespace

TEST_CASE("shifts take every number of pixels up to the largest, either way, equally often", "[training]") {
  const at::Tensor shift = drawn({.shift = 0.125}).shift;
  REQUIRE(shift.sizes() == at::IntArrayRef({kDraws, 2}));
  for (int64_t axis = 0; axis < 2; ++axis) {
    const at::Tensor counts = at::bincount(shift.select(1, axis) + 4, {}, 9);
    REQUIRE(counts.numel() == 9);
    // 444 each, give or take 20.
    CHECK(counts.min().item<int64_t>() > 340);
    CHECK(counts.max().item<int64_t>() < 550);
  }
  CHECK_FALSE(at::equal(shift.select(1, 0), shift.select(1, 1)));
  CHECK(drawn({.shift = 0.5}).shift.abs().max().item<int64_t>() == 16);
}

TEST_CASE("mirroring has its probability, brightness and contrast their ranges", "[training]") {
  const Augmentation all = drawn({.flip = 0.25, .brightness = 0.4, .contrast = 0.5});
  CHECK_FALSE(all.shift.defined());
  CHECK(all.mirrored.to(at::kDouble).mean().item<double>() == Approx(0.25).margin(0.03));
  CHECK(all.brightness.abs().max().item<double>() <= 0.4);
  CHECK(all.brightness.min().item<double>() == Approx(-0.4).margin(0.01));
  CHECK(all.brightness.max().item<double>() == Approx(0.4).margin(0.01));
  CHECK(all.contrast.min().item<double>() == Approx(0.5).margin(0.01));
  CHECK(all.contrast.max().item<double>() == Approx(1.5).margin(0.01));
  CHECK(drawn({.flip = 1}).mirrored.all().item<bool>());
  // Each from numbers of its own.
  CHECK(at::corrcoef(at::stack({all.brightness, all.contrast}))[0][1].abs().item<double>() < 0.1);
}

TEST_CASE("one strength of augmentation leaves the draws of another alone", "[training]") {
  const Augmentation all = drawn({.shift = 0.25, .flip = 0.5, .brightness = 0.2, .contrast = 0.3});
  CHECK(at::equal(all.contrast, drawn({.contrast = 0.3}).contrast));
  CHECK(at::equal(all.brightness, drawn({.brightness = 0.2}).brightness));
  CHECK(at::equal(all.mirrored, drawn({.flip = 0.5}).mirrored));
  CHECK(at::equal(all.shift, drawn({.shift = 0.25, .contrast = 0.1}).shift));
}

TEST_CASE("augmentation is off at first, and each strength has its rule", "[training]") {
  CHECK_FALSE(AugmentOptions{}.any());
  const Augmentation none = drawn({});
  CHECK_FALSE((none.shift.defined() || none.mirrored.defined() || none.brightness.defined() || none.contrast.defined()));
  CHECK_THROWS_WITH(validate(AugmentOptions{.shift = 0.6}), Catch::Contains("shift 0.6 is not in [0, 0.5]"));
  CHECK_THROWS_WITH(validate(AugmentOptions{.flip = 1.1}), Catch::Contains("flip 1.1 is not in [0, 1]"));
  CHECK_THROWS_WITH(validate(AugmentOptions{.brightness = -1}), Catch::Contains("brightness -1 is not in [0, 2]"));
  CHECK_THROWS_WITH(validate(AugmentOptions{.contrast = 2}), Catch::Contains("contrast 2 is not in [0, 1]"));
}
