#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include "secgan/core/error.hpp"
#include "secgan/image/transforms.hpp"

using namespace secgan;

namespace {

/// Weights of the antialiased triangle filter, row i over the input of output pixel i (Pillow's definition), in double.
at::Tensor triangle_weights(int64_t in, int64_t out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out), width = std::max(scale, 1.0);
  at::Tensor weights = torch::zeros({out, in}, torch::kDouble);
  for (int64_t i = 0; i < out; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    for (int64_t j = 0; j < in; ++j) {
      weights[i][j] = std::max(0.0, 1.0 - std::abs(static_cast<double>(j) + 0.5 - center) / width);
    }
  }
  return weights / weights.sum(1, true);
}

}  // namespace

TEST_CASE("crops round-trip through their text", "[data]") {
  for (const std::string text : {"none", "center", "center:170", "box:1,0,30,40"}) CHECK(to_string(parse_crop(text)) == text);
  CHECK(parse_crop("center:85").side == 85);
  CHECK(parse_crop("box:1,2,3,4").box == Rect{1, 2, 3, 4});
  for (const std::string text : {"", "centre", "center:", "center:0", "center:-3", "center:1,2", "center:85x", "center:85,", "box:1,2,3",
                                 "box:1,2,3,4,5", "box:-1,0,2,2", "box:0,0,0,2", "box:a,b,c,d", "center:99999999999999999999"}) {
    INFO(text);
    CHECK_THROWS_WITH(parse_crop(text), Catch::Contains("crop '" + text + "'") && Catch::Contains("center:SIDE"));
  }
}

TEST_CASE("crops keep AttGAN's part of CelebA, at full and at half size", "[data]") {
  CHECK(crop_rect(parse_crop("center:170"), 178, 218) == Rect{4, 24, 170, 170});
  CHECK(crop_rect(parse_crop("center:85"), 89, 109) == Rect{2, 12, 85, 85});
  CHECK(crop_rect(parse_crop("center"), 178, 218) == Rect{0, 20, 178, 178});
  CHECK(crop_rect(parse_crop("center"), 218, 178) == Rect{20, 0, 178, 178});
  CHECK(crop_rect(parse_crop("none"), 178, 218) == Rect{0, 0, 178, 218});
  CHECK(crop_rect(parse_crop("box:8,9,170,209"), 178, 218) == Rect{8, 9, 170, 209});
}

TEST_CASE("a crop that leaves the photo names both sizes", "[data]") {
  CHECK_THROWS_WITH(crop_rect(parse_crop("center:170"), 89, 109),
                    Catch::Contains("center:170") && Catch::Contains("89 x 109; 'center' is the largest central square"));
  CHECK_THROWS_AS(crop_rect(parse_crop("box:9,9,170,209"), 178, 218), InvalidArgument);
  CHECK_THROWS_AS(crop_rect(parse_crop("box:8,10,170,209"), 178, 218), InvalidArgument);
  CHECK_THROWS_AS(crop_rect(parse_crop("box:9223372036854775807,0,9223372036854775807,1"), 178, 218), InvalidArgument);
  CHECK_THROWS_AS(crop_rect(Crop{Crop::Kind::kBox, 0, {-1, 0, 5, 5}}, 178, 218), InvalidArgument);
}

TEST_CASE("a data set's crop is a share of photos of other sizes", "[data]") {
  const PhotoSize celeba{178, 218};
  const auto kept = [&](std::string_view crop, const PhotoSize& of, int64_t width, int64_t height) {
    return crop_rect_of_any(parse_crop(crop), of, width, height);
  };
  // The data set's own photos, at its size: the same pixels as ever.
  for (const std::string text : {"center:170", "center:64", "center:178", "center", "none", "box:8,9,170,209"}) {
    CAPTURE(text);
    CHECK(kept(text, celeba, 178, 218) == crop_rect(parse_crop(text), 178, 218));
  }
  // The same photos at half and at double size.
  CHECK(kept("center:170", celeba, 89, 109) == Rect{2, 12, 85, 85});
  CHECK(kept("center:170", celeba, 356, 436) == Rect{8, 48, 340, 340});
  CHECK(kept("box:8,9,170,200", celeba, 356, 436) == Rect{16, 18, 340, 400});
  // Somebody's own: square ones whole, others by the shorter side.
  for (const int64_t side : {1, 17, 128, 160, 170, 178, 200, 512, 1024})
    CHECK(kept("center:170", celeba, side, side) == Rect{0, 0, side, side});
  CHECK(kept("center:170", celeba, 480, 640) == Rect{11, 91, 458, 458});  // 170 / 178 of 480 is 458.4
  CHECK(kept("center:170", celeba, 640, 480) == Rect{91, 11, 458, 458});
  CHECK(kept("center:178", celeba, 480, 640) == Rect{0, 80, 480, 480});
  CHECK(kept("center:170", celeba, 1, 9) == Rect{0, 4, 1, 1});
  CHECK(kept("box:8,9,170,209", celeba, 1780, 2180) == Rect{80, 90, 1700, 2090});
  // Of a data set of square photos a square photo's share is kept.
  CHECK(kept("center:900", {1024, 1024}, 512, 512) == Rect{31, 31, 450, 450});
  // Unknown size: CelebA's, at the scale of which the crop keeps most.
  CHECK(kept("center:170", {}, 178, 218) == Rect{4, 24, 170, 170});
  CHECK(kept("center:85", {}, 89, 109) == Rect{2, 12, 85, 85});
  CHECK(kept("center:340", {}, 356, 436) == Rect{8, 48, 340, 340});
  CHECK(kept("center:170", {}, 512, 512) == Rect{0, 0, 512, 512});
  CHECK(kept("center:9223372036854775807", {}, 30, 20) == Rect{5, 0, 20, 20});
  CHECK(kept("box:4,2,20,30", {}, 50, 40) == Rect{4, 2, 20, 30});
  // Crops without pixels are shares already.
  CHECK(kept("center", celeba, 640, 480) == Rect{80, 0, 480, 480});
  CHECK(kept("none", celeba, 640, 480) == Rect{0, 0, 640, 480});
  CHECK_THROWS_WITH(kept("box:8,9,170,209", {}, 128, 100), Catch::Contains("170 x 209 pixels from (8, 9)") && Catch::Contains("128 x 100"));
  CHECK_THROWS_AS(kept("box:9223372036854775807,0,9223372036854775807,1", celeba, 30, 30), InvalidArgument);
}

TEST_CASE("a photo's size is written and read", "[data]") {
  CHECK(parse_photo_size("178x218") == PhotoSize{178, 218});
  CHECK(to_string(PhotoSize{178, 218}) == "178x218");
  CHECK_FALSE(parse_photo_size("").known());
  CHECK(to_string(PhotoSize{}).empty());
  for (const std::string text : {"178", "x", "178x", "0x4", "-1x4", "1x2x3", "178 x 218"}) {
    CHECK_THROWS_WITH(parse_photo_size(text), Catch::Contains("photo_size '" + text + "'"));
  }
}

TEST_CASE("cropping takes x from columns and y from rows, of photos and masks", "[data]") {
  const at::Tensor photo = torch::arange(3 * 4 * 5, torch::kByte).view({3, 4, 5});
  const at::Tensor part = crop_image(photo, {3, 1, 2, 3});
  CHECK(part.sizes() == at::IntArrayRef({3, 3, 2}));
  CHECK(part[0][0][0].item<int>() == 8);
  CHECK(at::equal(crop_image(photo[2], {3, 1, 2, 3}), part[2]));
}

TEST_CASE("resizing equals the antialiased filter in double precision to one level", "[data]") {
  torch::manual_seed(5);
  const at::Tensor photo = torch::randint(0, 256, {3, 109, 89}, torch::kByte);
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{64, 64}, {16, 31}, {128, 128}, {109, 40}}) {
    const at::Tensor exact =
        torch::matmul(torch::matmul(triangle_weights(109, height), photo.to(torch::kDouble)), triangle_weights(89, width).t());
    const at::Tensor resized = resize_image(photo, height, width);
    CHECK(resized.scalar_type() == torch::kByte);
    CHECK(resized.is_contiguous());
    const at::Tensor error = (resized.to(torch::kDouble) - exact.round()).abs();
    INFO(height << " x " << width);
    CHECK(error.max().item<double>() <= 1.0);
    CHECK(error.mean().item<double>() < 0.25);  // two roundings, not a bias
  }
  // A view, as cropping returns it.
  const at::Tensor view = crop_image(photo, {2, 12, 85, 85});
  CHECK(at::equal(resize_image(view, 64, 64), resize_image(view.contiguous(), 64, 64)));
  CHECK(at::equal(resize_image(view, 85, 85), view));
  const at::Tensor interleaved = view.permute({1, 2, 0}).contiguous().permute({2, 0, 1});
  CHECK(at::equal(resize_image(interleaved, 64, 64), resize_image(view.contiguous(), 64, 64)));
  CHECK(resize_image(interleaved, 64, 64).is_contiguous());
}

TEST_CASE("masks are resized by pixel centers and never mixed", "[data]") {
  torch::manual_seed(6);
  const at::Tensor mask = torch::randint(0, 19, {12, 10}, torch::kByte);
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{4, 5}, {5, 7}, {24, 20}, {12, 10}}) {
    const at::Tensor resized = resize_mask(mask, height, width);
    REQUIRE(resized.sizes() == at::IntArrayRef({height, width}));
    bool same = true;
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        const int64_t from_y = (2 * y + 1) * 12 / (2 * height), from_x = (2 * x + 1) * 10 / (2 * width);
        same = same && resized[y][x].item<int>() == mask[from_y][from_x].item<int>();
      }
    }
    INFO(height << " x " << width);
    CHECK(same);
  }
}

TEST_CASE("bytes and floats are inverse, the range clamps, the input stays as it was", "[data]") {
  const at::Tensor bytes = torch::arange(256, torch::kInt).to(torch::kByte).view({1, 16, 16}).expand({3, 16, 16});
  const at::Tensor floats = to_float(bytes);
  CHECK(floats.min().item<float>() == -1.0f);
  CHECK(floats.max().item<float>() == 1.0f);
  CHECK(at::equal(to_bytes(floats), bytes));
  for (const double wrong : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    CHECK_THROWS_WITH(to_bytes(torch::tensor({0.0, wrong, 0.5})), Catch::Contains("the picture is not finite"));
  }
  CHECK(at::equal(to_bytes(torch::tensor({-1.5f, 1.5f, 0.003f, -0.005f})), torch::tensor({0, 255, 128, 127}, torch::kByte)));
  const at::Tensor already_float = torch::full({3, 2, 2}, 255.0f);
  to_float(already_float);
  CHECK(already_float.min().item<float>() == 255.0f);
}

TEST_CASE("a grid places its cells in order on white", "[data]") {
  const auto cell = [](int64_t value) { return torch::full({3, 2, 3}, value, torch::kByte); };
  const at::Tensor grid = image_grid({{cell(1), cell(2), cell(3)}, {cell(4)}}, 2);
  REQUIRE(grid.sizes() == at::IntArrayRef({3, 6, 13}));
  CHECK(at::equal(crop_image(grid, {5, 0, 3, 2}), cell(2)));
  CHECK(at::equal(crop_image(grid, {10, 0, 3, 2}), cell(3)));
  CHECK(at::equal(crop_image(grid, {0, 4, 3, 2}), cell(4)));
  at::Tensor rest = grid.clone();
  for (const Rect& rect : {Rect{0, 0, 3, 2}, Rect{5, 0, 3, 2}, Rect{10, 0, 3, 2}, Rect{0, 4, 3, 2}}) crop_image(rest, rect).fill_(255);
  CHECK(rest.eq(255).all().item<bool>());

  CHECK(image_grid({{cell(1)}}).sizes() == at::IntArrayRef({3, 2, 3}));
  CHECK_THROWS_AS(image_grid({{}, {}}), InvalidArgument);
  CHECK_THROWS_WITH(image_grid({{cell(1), torch::zeros({3, 2, 4}, torch::kByte)}}), Catch::Contains("same shape"));
}
