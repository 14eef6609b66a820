#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "evaluation/noise.hpp"
#include "numeric.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/names.hpp"
#include "secgan/evaluation/photo_input.hpp"
#include "secgan/image/transforms.hpp"

using namespace secgan;
using namespace secgan::testing;

TEST_CASE("pytorch-fid's filter samples, it does not average", "[evaluation]") {
  const at::Tensor photos = noise_photos({2, 3, 9, 9});
  // A third of the side: every sample falls on a pixel's center.
  const PhotoInput input{3, false, ResizeFilter::kBilinear, PhotoNormalization::kNone};
  const at::Tensor centers = photos.slice(2, 1, 9, 3).slice(3, 1, 9, 3).to(at::kDouble) / 255 * 2 - 1;
  CHECK(max_difference(input(photos), centers) < 1e-6);
  // Whatever the aspect: a square comes out, corner by corner.
  const at::Tensor wide = photos.slice(2, 0, 3);
  CHECK(max_difference(input(wide), wide.slice(3, 1, 9, 3).to(at::kDouble) / 255 * 2 - 1) < 1e-6);
}

TEST_CASE("the antialiased filter is the one that data sets are read with, on 8 bits", "[evaluation]") {
  const at::Tensor photos = noise_photos({2, 3, 20, 30});
  const PhotoInput input{8, false, ResizeFilter::kBilinearAntialias, PhotoNormalization::kImagenet};
  const at::Tensor out = input(photos);
  const double mean[] = {0.485, 0.456, 0.406}, deviation[] = {0.229, 0.224, 0.225};
  for (int64_t n = 0; n < 2; ++n) {
    const at::Tensor bytes = resize_image(photos[n], 8, 8).to(at::kDouble);
    for (int64_t c = 0; c < 3; ++c) CHECK(max_difference(out[n][c], (bytes[c] / 255 - mean[c]) / deviation[c]) < 1e-5);
  }
}

TEST_CASE("ssFID's photos keep their aspect, the shorter side at 224", "[evaluation]") {
  CHECK(kSwavInput(noise_photos({1, 3, 56, 68})).sizes() == at::IntArrayRef({1, 3, 224, 272}));
  CHECK(kSwavInput(noise_photos({1, 3, 68, 56})).sizes() == at::IntArrayRef({1, 3, 272, 224}));
  CHECK(kSwavInput(noise_photos({1, 3, 218, 178})).sizes() == at::IntArrayRef({1, 3, 274, 224}));  // of 274.3
  CHECK(kSwavInput(noise_photos({1, 3, 3, 5})).sizes() == at::IntArrayRef({1, 3, 224, 373}));      // of 373.3
  CHECK(kInceptionInput(noise_photos({1, 3, 20, 30})).sizes() == at::IntArrayRef({1, 3, 299, 299}));
}

TEST_CASE("photo inputs describe themselves", "[evaluation]") {
  CHECK(kInceptionInput.describe() == "299 x 299, bilinear without antialias, [-1, 1]");
  CHECK(kSwavInput.describe() == "shorter side to 224, antialiased bilinear on 8 bits, ImageNet's mean and deviation");
  CHECK(PhotoInput{.size = 64, .resize = ResizeFilter::kNone}.describe() == "64 x 64, not resized, [-1, 1]");
}

TEST_CASE("unfitting photos and filters are refused with the rule", "[evaluation]") {
  const PhotoInput as_is{.size = 64, .resize = ResizeFilter::kNone};
  const at::Tensor fitting = noise_photos({1, 3, 64, 64});
  CHECK(max_difference(as_is(fitting), fitting.to(at::kDouble) / 255 * 2 - 1) < 1e-6);
  CHECK_THROWS_WITH(as_is(noise_photos({1, 3, 60, 64})), Catch::Contains("photos must be 64 x 64 where resize is none, found 64 x 60"));
  CHECK_THROWS_WITH(kInceptionInput(torch::rand({1, 3, 8, 8})),
                    Catch::Contains("photos must be uint8") && Catch::Contains("found float32"));
  CHECK_THROWS_WITH(kInceptionInput(noise_photos({0, 3, 8, 8})), Catch::Contains("[0, 3, 8, 8]"));
  CHECK_THROWS_AS(kInceptionInput(noise_photos({1, 1, 8, 8})), InvalidArgument);
  CHECK_THROWS_WITH(validate(PhotoInput{.size = 0}), Catch::Contains("size 0 is not positive"));
  CHECK_THROWS_WITH(validate(PhotoInput{.shorter_side = true, .resize = ResizeFilter::kNone}), Catch::Contains("shorter_side"));
  CHECK_THROWS_WITH(parse_name(kResizeFilters, "lanczos", "resize filter"), Catch::Contains("bilinear, bilinear-antialias, none"));
}
