#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "numeric.hpp"
#include "secgan/ops/augment.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

/// Of four samples: shifts of either sign, up to the whole image and beyond; every other one mirrored.
Augmentation of_four() {
  return {.shift = torch::tensor({{1, -2}, {-3, 1}, {0, 4}, {9, 0}}, at::kLong),
          .mirrored = torch::tensor({true, false, true, false}),
          .brightness = torch::tensor({0.3, -0.2, 0.0, 1.5}, at::kDouble),
          .contrast = torch::tensor({0.5, 1.5, 1.0, 0.0}, at::kDouble)};
}

/// The same pixel by pixel.
at::Tensor slowly(const at::Tensor& image, const Augmentation& augmentation, double vacated) {
  const int64_t height = image.size(2), width = image.size(3);
  at::Tensor out = at::full_like(image, vacated);
  for (int64_t n = 0; n < image.size(0); ++n) {
    const auto down = augmentation.shift[n][0].item<int64_t>(), right = augmentation.shift[n][1].item<int64_t>();
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        const int64_t mirrored = augmentation.mirrored[n].item<bool>() ? width - 1 - x : x;
        if (y + down < 0 || y + down >= height || mirrored + right < 0 || mirrored + right >= width) continue;
        for (int64_t c = 0; c < image.size(1); ++c) out[n][c][y + down][mirrored + right] = image[n][c][y][x];
      }
    }
  }
  return out;
}

}  // namespace

TEST_CASE("augmented photos and masks are what a slow version gives, for any memory layout", "[ops]") {
  torch::manual_seed(1);
  const Augmentation augmentation = of_four();
  const at::Tensor photo = randn64({4, 3, 4, 5}), mask = randn64({4, 6, 4, 5}).softmax(1);
  at::Tensor colored = photo.clone();
  for (int64_t n = 0; n < 4; ++n) {
    const at::Tensor bright = photo[n] + augmentation.brightness[n];
    const double mean = bright.sum().item<double>() / 60;
    colored[n] = (bright - mean) * augmentation.contrast[n] + mean;
  }
  CHECK(max_difference(augmented_photo(photo, augmentation), slowly(colored, augmentation, 0)) < 1e-14);
  CHECK(at::equal(augmented_mask(mask, augmentation), slowly(mask, augmentation, 1.0 / 6)));
  CHECK(at::equal(augmented_mask(mask.contiguous(at::MemoryFormat::ChannelsLast), augmentation), augmented_mask(mask, augmentation)));
  CHECK(max_difference(augmented_mask(mask, augmentation).sum(1), at::ones({4, 4, 5}, at::kDouble)) < 1e-14);
  CHECK(augmented_photo(photo.to(at::kFloat), augmentation).scalar_type() == at::kFloat);
}

TEST_CASE("a photo and its mask move together, pixel for pixel", "[ops]") {
  Augmentation augmentation = of_four();
  augmentation.brightness = augmentation.contrast = at::Tensor();
  // Each pixel has a number, and its class follows from it.
  const at::Tensor number = torch::arange(1, 21).view({1, 1, 4, 5}).expand({4, 3, 4, 5}).to(at::kDouble).contiguous();
  const at::Tensor mask = at::one_hot(number.select(1, 0).to(at::kLong) % 7, 7).permute({0, 3, 1, 2}).to(at::kDouble);
  const at::Tensor seen = augmented_photo(number, augmentation).select(1, 0).to(at::kLong), parsed = augmented_mask(mask, augmentation);
  const at::Tensor vacated = seen.eq(0);
  CHECK(at::equal(parsed.argmax(1).masked_select(vacated.logical_not()), (seen % 7).masked_select(vacated.logical_not())));
  CHECK(parsed.masked_select(vacated.unsqueeze(1)).sub(1.0 / 7).abs().max().item<double>() < 1e-15);
  CHECK(vacated.sum().item<int64_t>() == (20 - 3 * 3) + (20 - 1 * 4) + (20 - 4 * 1) + 20);
}

TEST_CASE("augmentation has the right gradients, to second order", "[ops]") {
  torch::manual_seed(2);
  const Augmentation augmentation = of_four();
  const at::Tensor photo = randn64({4, 3, 4, 5}), mask = randn64({4, 2, 4, 5}).softmax(1);
  const auto check = [&](const at::Tensor& image, const auto& augmented) {
    const at::Tensor weight = randn64(image.sizes()), direction = randn64(image.sizes());
    const auto f = [&](const at::Tensor& x) { return (weight * augmented(x).pow(3)).sum(); };
    CHECK(max_difference(analytic_gradient(f, image), numeric_gradient(f, image)) < 1e-6);
    CHECK(max_difference(analytic_hessian_product(f, image, direction), numeric_hessian_product(f, image, direction)) < 1e-6);
  };
  check(photo, [&](const at::Tensor& x) { return augmented_photo(x, augmentation); });
  check(mask, [&](const at::Tensor& x) { return augmented_mask(x, augmentation); });
}

TEST_CASE("no augmentation is the image itself, and draws for another batch are refused", "[ops]") {
  const at::Tensor image = at::rand({4, 3, 2, 2});
  CHECK(augmented_photo(image, {}).is_same(image));
  CHECK(augmented_mask(image, {.brightness = at::ones({4}), .contrast = at::zeros({4})}).is_same(image));
  CHECK_THROWS_WITH(augmented_photo(image, {.shift = at::zeros({2, 2}, at::kLong)}), Catch::Contains("shift must be [N, 2]"));
  CHECK_THROWS_WITH(augmented_photo(image, {.mirrored = at::zeros({2}, at::kBool)}), Catch::Contains("mirrored must be [N]"));
  CHECK_THROWS_WITH(augmented_photo(image, {.contrast = at::zeros({2})}), Catch::Contains("contrast must be [N]"));
}
