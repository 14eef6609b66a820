#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "secgan/image/labels.hpp"
#include "secgan/image/transforms.hpp"

using namespace secgan;

namespace {

/// Rows of a text's picture, '#' for black.
std::vector<std::string> drawn(std::string_view text, int64_t width, int64_t x = 0) {
  const at::Tensor image = at::full({3, 7, width}, 255, at::kByte);
  draw_text(image, x, 0, text);
  CHECK(at::equal(image[0], image[2]));
  std::vector<std::string> rows;
  for (int64_t r = 0; r < 7; ++r) {
    rows.emplace_back();
    for (int64_t c = 0; c < width; ++c) rows.back() += image[0][r][c].item<int>() == 0 ? '#' : '.';
  }
  return rows;
}

}  // namespace

TEST_CASE("letters are drawn upright and one after the other", "[image]") {
  CHECK(drawn("LT", 12) == std::vector<std::string>{"#.....#####.", "#.......#...", "#.......#...", "#.......#...", "#.......#...",
                                                    "#.......#...", "#####...#..."});
  // What is outside is cut off, on both sides; a character of several bytes is one letter.
  CHECK(drawn("LT", 7, -1)[0] == ".....##");
  CHECK(drawn("λ", 12) == drawn("?", 12));
}

TEST_CASE("a labeled grid has its names around the pictures", "[image]") {
  const at::Tensor dark = at::full({3, 100, 120}, 90, at::kByte), light = at::full({3, 100, 120}, 200, at::kByte);
  const at::Tensor plain = image_grid({{dark, light}, {light, dark}});
  CHECK(at::equal(labeled_grid({{dark, light}, {light, dark}}, {}, {}), plain));
  const at::Tensor labeled = labeled_grid({{dark, light}, {light, dark}}, {"input", "Mouth_Slightly_Open_Now_And_Then"}, {"photo", "mask"});
  // Two lines of nine pixels above, five letters of six and a gap of three to the left.
  REQUIRE(labeled.sizes() == at::IntArrayRef({3, plain.size(1) + 18, plain.size(2) + 33}));
  CHECK(at::equal(labeled.slice(1, 18).slice(2, 33), plain));
  const at::Tensor ink = labeled.eq(0).any(0);
  CHECK_FALSE(ink.slice(0, 0, 9).slice(1, 33, 153).any().item<bool>());  // a name of one line stands on the pictures
  CHECK(ink.slice(0, 9, 18).slice(1, 33, 153).any().item<bool>());
  CHECK(ink.slice(0, 0, 9).slice(1, 155).any().item<bool>());
  CHECK(ink.slice(0, 18, 118).slice(1, 0, 30).any().item<bool>());
  CHECK(ink.slice(0, 120, 220).slice(1, 0, 24).any().item<bool>());
  // Names of rows take lines of a column's width, here twenty letters, broken where words end; what is too much for the row is cut off.
  const auto sides = [&](const std::string& name) {
    const at::Tensor named = labeled_grid({{light, dark}}, {}, {name});
    CHECK(at::equal(named.slice(2, named.size(2) - plain.size(2)), image_grid({{light, dark}})));
    return named.slice(2, 0, named.size(2) - plain.size(2)).eq(0).any(0);
  };
  const at::Tensor two = sides("IMG_2024-11-26_été.png");
  REQUIRE(two.sizes() == at::IntArrayRef({100, 19 * 6 + 3}));
  CHECK(two.any(1).slice(0, 42, 49).any().item<bool>());
  CHECK(two.any(1).slice(0, 51, 58).any().item<bool>());
  CHECK_FALSE(two.any(1).slice(0, 0, 42).any().item<bool>());
  CHECK_FALSE(two.slice(0, 51, 58).slice(1, 18).any().item<bool>());  // "png" alone
  CHECK(sides(std::string(500, 'x')).sizes() == at::IntArrayRef({100, 20 * 6 + 3}));
  // Small pictures grow, unmixed, and so do letters with a column.
  const at::Tensor small = labeled_grid({{at::full({3, 32, 32}, 7, at::kByte)}}, {"Bald"}, {});
  CHECK(small.sizes() == at::IntArrayRef({3, 128 + 18, 128}));
  CHECK(small.slice(1, 18).eq(7).all().item<bool>());
}
