#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "image/row_bands.hpp"

using namespace secgan;

TEST_CASE("bands of rows are the whole, once each", "[image]") {
  for (const auto& [height, width] : std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {3000, 4000}, {7, 5'000'000}, {0, 9}}) {
    CAPTURE(height, width);
    int64_t next = 0;
    each_band(height, width, [&](int64_t first, int64_t rows) {
      REQUIRE(first == next);
      REQUIRE(rows > 0);
      next = first + rows;
    });
    CHECK(next == height);
  }
}

TEST_CASE("rows of a resized picture are those of LibTorch's resizing", "[image]") {
  torch::manual_seed(3);
  const at::Tensor picture = torch::randn({3, 9, 7});
  for (const auto& [height, width] : std::vector<std::pair<int64_t, int64_t>>{{31, 20}, {9, 7}, {64, 5}, {4, 50}}) {
    CAPTURE(height, width);
    const at::Tensor bilinear = at::upsample_bilinear2d(picture.unsqueeze(0), {height, width}, /*align_corners=*/false)[0];
    const at::Tensor nearest = at::upsample_nearest2d(picture.unsqueeze(0), {height, width})[0];
    ResizedRows resized(picture, height, width);
    for (const int64_t band : {int64_t{1}, int64_t{3}, height}) {
      for (int64_t first = 0; first < height; first += band) {
        const int64_t rows = std::min(band, height - first);
        CHECK(
            at::allclose(resized.bilinear(first, rows), bilinear.narrow(1, first, rows), 1e-5, 1e-5));  // LibTorch finds places in float32
        CHECK(at::equal(resized.nearest(first, rows), nearest.narrow(1, first, rows)));
      }
    }
  }
}
