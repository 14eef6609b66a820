#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "image/pictures.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/io/file.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

at::Tensor noise(int64_t height, int64_t width) {
  torch::manual_seed(3);
  return torch::randint(0, 256, {3, height, width}, torch::kByte);
}

int64_t peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

int64_t worst(const at::Tensor& a, const at::Tensor& b) {
  REQUIRE(a.sizes() == b.sizes());
  return (a.to(torch::kInt) - b.to(torch::kInt)).abs().max().item<int64_t>();
}

at::Tensor bytes3(std::initializer_list<int64_t> rgb_planes, int64_t height, int64_t width) {
  return torch::tensor(std::vector<int64_t>(rgb_planes)).to(torch::kByte).view({3, height, width});
}

}  // namespace

TEST_CASE("PNG keeps every pixel, JPEG all but a few levels, and colors their place", "[data]") {
  const TemporaryFolder folder;
  const at::Tensor random = noise(7, 5);
  write_image(folder / "a.png", random);
  CHECK(at::equal(read_image(folder / "a.png"), random));

  const at::Tensor smooth = gradient_picture(40, 56);
  for (const std::string name : {"a.jpg", "a.JPEG"}) {
    write_image(folder / name, smooth);
    CHECK(worst(read_image(folder / name), smooth) <= 4);
  }
  // Red beside blue in single columns: subsampled chroma would mix them.
  at::Tensor stripes = torch::zeros({3, 16, 16}, torch::kByte);
  for (int64_t x = 0; x < 16; ++x) stripes.select(2, x)[x % 2 == 0 ? 0 : 2] = 255;
  write_image(folder / "stripes.jpg", stripes);
  CHECK(worst(read_image(folder / "stripes.jpg"), stripes) < 60);

  CHECK_THROWS_WITH(write_image(folder / "a.bmp", smooth), Catch::Contains("a.bmp") && Catch::Contains(".png"));
  CHECK_THROWS_WITH(write_image(folder / "b.png", smooth.to(torch::kFloat)), Catch::Contains("image must be uint8, found float32"));
  CHECK_THROWS_WITH(write_image(folder / "b.png", smooth.narrow(1, 0, 0)), Catch::Contains("image must have pixels, found 56 x 0"));
}

TEST_CASE("folders above a picture are made, and JPEG's longest side is told", "[data]") {
  const TemporaryFolder folder;
  write_image(folder / "new/newer/a.png", noise(2, 3));
  CHECK(read_image(folder / "new/newer/a.png").size(2) == 3);
  CHECK_THROWS_WITH(write_image(folder / "other/a.jpg", noise(1, 65501)), Catch::Contains("at most 65500 pixels as JPEG, found 65501 x 1"));
  CHECK(!std::filesystem::exists(folder / "other"));
}

TEST_CASE("the content decides, not the name", "[data]") {
  const TemporaryFolder folder;
  const at::Tensor picture = noise(4, 6);
  const auto file = folder.write("really.jpg", encode_png(picture));
  CHECK(at::equal(read_image(file), picture));
}

TEST_CASE("every kind of PNG becomes RGB", "[data]") {
  const TemporaryFolder folder;
  const auto read = [&](const PngSpec& spec, const std::vector<uint8_t>& data) {
    return read_image(folder.write("a.png", png_bytes(spec, data)));
  };
  PngSpec spec{.width = 2, .height = 1};

  spec.bit_depth = 16;  // 0x00ff is 0.99 of a level: rounded, not cut
  CHECK(at::equal(read(spec, {0xff, 0xff, 0, 0, 0, 0xff, 0, 0, 0xff, 0xff, 0x40, 0x40}), bytes3({255, 0, 0, 255, 1, 64}, 1, 2)));
  spec.bit_depth = 8;
  spec.color_type = PNG_COLOR_TYPE_GRAY;
  CHECK(at::equal(read(spec, {7, 200}), bytes3({7, 200, 7, 200, 7, 200}, 1, 2)));
  spec.bit_depth = 1;
  CHECK(at::equal(read(spec, {0x40}), bytes3({0, 255, 0, 255, 0, 255}, 1, 2)));
  spec.bit_depth = 8;
  spec.color_type = PNG_COLOR_TYPE_GRAY_ALPHA;
  CHECK(at::equal(read(spec, {7, 0, 200, 255}), bytes3({7, 200, 7, 200, 7, 200}, 1, 2)));
  spec.color_type = PNG_COLOR_TYPE_RGB_ALPHA;
  CHECK(at::equal(read(spec, {1, 2, 3, 0, 4, 5, 6, 128}), bytes3({1, 4, 2, 5, 3, 6}, 1, 2)));
  spec.color_type = PNG_COLOR_TYPE_PALETTE;
  spec.palette = {{10, 20, 30}, {40, 50, 60}};
  CHECK(at::equal(read(spec, {1, 0}), bytes3({40, 10, 50, 20, 60, 30}, 1, 2)));
  spec.palette_alpha = {0, 128};
  CHECK(at::equal(read(spec, {1, 0}), bytes3({40, 10, 50, 20, 60, 30}, 1, 2)));
}

TEST_CASE("interlaced PNG is put together", "[data]") {
  const TemporaryFolder folder;
  const at::Tensor picture = noise(9, 9);
  const at::Tensor stored = picture.permute({1, 2, 0}).contiguous();
  const auto* first = stored.const_data_ptr<uint8_t>();
  const PngSpec spec{.width = 9, .height = 9, .interlace = PNG_INTERLACE_ADAM7};
  const auto file = folder.write("a.png", png_bytes(spec, {first, first + stored.numel()}));
  CHECK(at::equal(read_image(file), picture));
}

TEST_CASE("gray and CMYK JPEG become RGB", "[data]") {
  const TemporaryFolder folder;
  const at::Tensor gray = read_image(folder.write("gray.jpg", jpeg_bytes(20, 10, 1, JCS_GRAYSCALE, 90)));
  CHECK(worst(gray, torch::full({3, 10, 20}, 90, torch::kByte)) <= 1);
  // Stored is light: inks of 165 on a light of 90 leave 90 (1 - 165/255).
  for (const auto space : {JCS_CMYK, JCS_YCCK}) {
    const at::Tensor cmyk = read_image(folder.write("cmyk.jpg", jpeg_bytes(8, 8, 4, JCS_CMYK, 90, space)));
    CHECK(worst(cmyk, torch::full({3, 8, 8}, 32, torch::kByte)) <= 1);
  }
}

TEST_CASE("EXIF orientation puts all eight upright", "[data]") {
  // Where the stored first row and first column belong in the upright picture (TIFF 6.0, tag 274).
  struct Side {
    char row, column;
  };
  constexpr std::array<Side, 8> kSides{{{'t', 'l'}, {'t', 'r'}, {'b', 'r'}, {'b', 'l'}, {'l', 't'}, {'r', 't'}, {'r', 'b'}, {'l', 'b'}}};
  const TemporaryFolder folder;
  const std::string jpeg = encode_jpeg(gradient_picture(24, 40));
  const at::Tensor stored = read_image(folder.write("plain.jpg", jpeg));
  const int64_t height = stored.size(1), width = stored.size(2);
  for (uint8_t orientation = 1; orientation <= 8; ++orientation) {
    const auto [row_side, column_side] = kSides[orientation - 1];
    const bool upright = row_side == 't' || row_side == 'b';
    const int64_t out_height = upright ? height : width, out_width = upright ? width : height;
    at::Tensor expected = torch::empty({3, out_height, out_width}, torch::kByte);
    for (int64_t r = 0; r < height; ++r) {
      for (int64_t c = 0; c < width; ++c) {
        int64_t y = 0, x = 0;
        for (const auto& [side, at] : {std::pair{row_side, r}, std::pair{column_side, c}}) {
          if (side == 't') y = at;
          if (side == 'b') y = out_height - 1 - at;
          if (side == 'l') x = at;
          if (side == 'r') x = out_width - 1 - at;
        }
        expected.select(1, y).select(1, x).copy_(stored.select(1, r).select(1, c));
      }
    }
    for (const bool big_endian : {false, true}) {
      INFO("orientation " << int{orientation} << (big_endian ? " MM" : " II"));
      CHECK(at::equal(read_image(folder.write("turned.jpg", with_orientation(jpeg, orientation, big_endian))), expected));
    }
  }
  CHECK(at::equal(read_image(folder.write("turned.jpg", with_orientation(jpeg, 9, false))), stored));
}

TEST_CASE("an EXIF segment cut short is ignored, not read past", "[data]") {
  const TemporaryFolder folder;
  const std::string jpeg = encode_jpeg(gradient_picture(24, 40));
  const std::string whole = with_orientation(jpeg, 6, false);
  const size_t segment = whole.size() - jpeg.size() - 4;  // without marker and length
  for (size_t kept = 0; kept < segment - 4; ++kept) {     // the last four bytes are the next directory: not needed
    std::string cut = whole.substr(0, 6 + kept) + jpeg.substr(2);
    cut[4] = 0;
    cut[5] = static_cast<char>(kept + 2);
    INFO(kept << " bytes of EXIF");
    CHECK(read_image(folder.write("cut.jpg", cut)).size(1) == 24);
  }
}

TEST_CASE("truncated files are errors with the file's name wherever they end", "[data]") {
  const TemporaryFolder folder;
  for (const std::string& bytes : {encode_jpeg(gradient_picture(64, 64)), encode_png(noise(32, 32)), encode_jpeg(noise(64, 64), 30)}) {
    for (const double share : {0.02, 0.25, 0.5, 0.75, 0.95}) {
      const auto file = folder.write("cut.jpg", bytes.substr(0, static_cast<size_t>(share * static_cast<double>(bytes.size()))));
      INFO(share << " of " << bytes.size() << " bytes");
      CHECK_THROWS_AS(read_image(file), Error);
      CHECK_THROWS_WITH(read_image(file), Catch::Contains("cut.jpg' is truncated"));
    }
  }
}

TEST_CASE("a PNG with a flipped bit is refused", "[data]") {
  const TemporaryFolder folder;
  std::string bytes = encode_png(noise(32, 32));
  bytes[bytes.size() / 2] ^= 0x10;
  CHECK_THROWS_WITH(read_image(folder.write("bad.png", bytes)), Catch::Contains("bad.png' is truncated or damaged"));
}

TEST_CASE("padding that cameras leave before the end of a JPEG is no damage", "[data]") {
  const TemporaryFolder folder;
  const std::string jpeg = encode_jpeg(gradient_picture(24, 40));
  const at::Tensor clean = read_image(folder.write("clean.jpg", jpeg));
  const std::string padded = jpeg.substr(0, jpeg.size() - 2) + std::string(16, '\0') + jpeg.substr(jpeg.size() - 2) + "trailer";
  CHECK(at::equal(read_image(folder.write("padded.jpg", padded)), clean));
}

TEST_CASE("what is no picture is told as such", "[data]") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(read_image(folder.write("text.jpg", "not a photo")),
                    Catch::Contains("text.jpg' is text; photos are read from JPEG, PNG, WebP"));
  CHECK_THROWS_WITH(read_image(folder.write("zero.jpg", "")), Catch::Contains("zero.jpg' is empty"));
  CHECK_THROWS_AS(read_image(folder / "none.jpg"), FileNotFound);
  CHECK_THROWS_WITH(read_index_mask(folder.write("text.png", "not a mask")), Catch::Contains("text.png' is text; masks are read from PNG"));
}

TEST_CASE("absurd dimensions are refused before memory is asked for", "[data]") {
  const TemporaryFolder folder;
  // One bit per pixel keeps a real PNG of 108 Mpixel small; the JPEG's frame header is patched instead.
  const PngSpec wide{.width = 900'000, .height = 120, .bit_depth = 1, .color_type = PNG_COLOR_TYPE_GRAY};
  const auto png = folder.write("wide.png", png_bytes(wide, std::vector<uint8_t>(112'500 * 120, 0)));
  CHECK_THROWS_WITH(read_image(png), Catch::Contains("wide.png") && Catch::Contains("900000 x 120"));
  CHECK_THROWS_WITH(read_index_mask(png), Catch::Contains("900000 x 120"));

  // The header's 33 bytes, then a chunk that declares 800 MB and is not there: nobody takes that memory.
  const std::string header = png_bytes({.width = 3, .height = 3}, std::vector<uint8_t>(27, 0)).substr(0, 33);
  const int64_t peak = peak_kilobytes();
  CHECK_THROWS_WITH(decode_image(header + std::string("\x31\0\0\0eXIfII*", 11), "chunk.png"), Catch::Contains("truncated or damaged"));
  CHECK(peak_kilobytes() - peak < 100'000);

  std::string jpeg = encode_jpeg(gradient_picture(8, 8));
  const size_t frame = jpeg.find("\xff\xc0");
  REQUIRE(frame != std::string::npos);
  for (size_t i = 5; i < 9; ++i) jpeg[frame + i] = static_cast<char>(0xee);
  CHECK_THROWS_WITH(read_image(folder.write("wide.jpg", jpeg)), Catch::Contains("61166 x 61166"));
}

TEST_CASE("masks give the stored ids, never the colors", "[data]") {
  const TemporaryFolder folder;
  const at::Tensor ids = torch::arange(18, torch::kByte).view({3, 6});
  write_index_mask(folder / "mask.png", ids, Labels::kCelebAMaskHq);
  CHECK(at::equal(read_index_mask(folder / "mask.png"), ids));
  // The same file shows the palette to whoever looks at it.
  CHECK(at::equal(read_image(folder / "mask.png"), colorize(ids, Labels::kCelebAMaskHq)));

  PngSpec spec{.width = 2, .height = 2, .color_type = PNG_COLOR_TYPE_GRAY};
  CHECK(at::equal(read_index_mask(folder.write("gray.png", png_bytes(spec, {0, 1, 17, 18}))),
                  torch::tensor({{0, 1}, {17, 18}}, torch::kByte)));
  spec.bit_depth = 4;
  spec.color_type = PNG_COLOR_TYPE_PALETTE;
  spec.palette.assign(16, {9, 9, 9});
  CHECK(at::equal(read_index_mask(folder.write("packed.png", png_bytes(spec, {0x0f, 0x37}))),
                  torch::tensor({{0, 15}, {3, 7}}, torch::kByte)));

  write_image(folder / "rgb.png", noise(2, 2));
  CHECK_THROWS_WITH(read_index_mask(folder / "rgb.png"), Catch::Contains("rgb.png' is not a mask"));
  spec = {.width = 1, .height = 1, .bit_depth = 16, .color_type = PNG_COLOR_TYPE_GRAY};
  CHECK_THROWS_WITH(read_index_mask(folder.write("deep.png", png_bytes(spec, {0, 1}))), Catch::Contains("deep.png' is not a mask"));
}

TEST_CASE("colors follow the label set and unknown ids are refused", "[data]") {
  const at::Tensor ids = torch::tensor({{2, 13}}, torch::kByte);
  const at::Tensor colors = colorize(ids, Labels::kCelebAMaskHq);  // nose and hair, as CelebAMask-HQ draws them
  CHECK(at::equal(colors, bytes3({76, 0, 153, 0, 0, 204}, 1, 2)));
  CHECK_THROWS_WITH(colorize(ids, Labels::kSecgan12), Catch::Contains("class id 13"));
  CHECK_THROWS_WITH(encode_index_png(ids, class_palette(Labels::kSecgan12)), Catch::Contains("class id 13"));
}
