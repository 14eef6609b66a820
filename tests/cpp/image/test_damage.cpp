/// Damage is what costs pixels. What does not is read; what does is refused, in one line with the file's name.
#include <catch2/catch.hpp>

#include <random>

#include "image/pictures.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/image_file.hpp"

using namespace secgan;
using namespace secgan::testing;
using namespace std::string_literals;

namespace {

/// Where segments with that marker begin.
std::vector<size_t> segments(const std::string& jpeg, uint8_t marker) {
  std::vector<size_t> out;
  const std::string wanted = "\xff"s + static_cast<char>(marker);
  for (size_t at = jpeg.find(wanted); at != std::string::npos; at = jpeg.find(wanted, at + 1)) out.push_back(at);
  return out;
}

bool same(const std::string& bytes, const at::Tensor& picture) { return at::equal(decode_image(bytes), picture); }

at::Tensor noisy_picture() {
  torch::manual_seed(4);
  return (gradient_picture(96, 128).to(torch::kInt) + torch::randint(0, 20, {3, 96, 128}, torch::kInt)).to(torch::kByte);
}

}  // namespace

TEST_CASE("a JPEG that lost no pixel is read", "[image]") {
  const std::string jpeg = encode_jpeg(noisy_picture());
  const at::Tensor picture = decode_image(jpeg);
  const size_t scan = segments(jpeg, 0xda).front(), end = jpeg.size() - 2;
  std::string samsung = jpeg;  // a scan's parameters that a sequential decoder has no use for
  samsung[scan + 12] = 0;
  CHECK(same(samsung, picture));
  CHECK(same(jpeg.substr(0, end), picture));
  CHECK(same(jpeg.substr(0, end + 1), picture));
  CHECK(same(jpeg.substr(0, end) + "trailer without an end", picture));
  CHECK(same(jpeg.substr(0, end) + "\xff\x01\xff\xf0\x02", picture));
  CHECK(same(jpeg + "\xff\xd8\xff\xe1 a second picture"s, picture));
  CHECK(same(jpeg.substr(0, end) + std::string(16, '\0') + jpeg.substr(end), picture));
  std::string version = jpeg;
  version[11] = 9;  // JFIF 9
  CHECK(same(version, picture));
  CHECK(same(with_segment(jpeg, 0xe2, "ICC_PROFILE\0\1\3only the first of three"s), picture));
  CHECK(same(with_segment(jpeg, 0xee, "Adobe\0\x64\0\0\0\0\x07"s), picture));  // an unknown transform
}

TEST_CASE("a progressive JPEG needs every scan, but not its end marker", "[image]") {
  const std::string jpeg = jpeg_bytes(noisy_picture(), {.progressive = true});
  const at::Tensor picture = decode_image(jpeg);
  CHECK(same(jpeg.substr(0, jpeg.size() - 2), picture));
  const auto scans = segments(jpeg, 0xda);
  REQUIRE(scans.size() > 3);
  for (const size_t scan : scans) {
    INFO("cut before the scan at " << scan << " of " << jpeg.size());
    const size_t tables = jpeg.rfind("\xff\xc4", scan);  // a table of codes stands before most scans
    for (const size_t cut : {tables, scan, scan + 5, scan + 30})
      CHECK_THROWS_WITH(decode_image(jpeg.substr(0, cut), "cut.jpg"), Catch::StartsWith("'cut.jpg' is truncated"));
  }
}

TEST_CASE("a JPEG that lost pixels is refused, also where libjpeg only warns", "[image]") {
  const at::Tensor picture = noisy_picture();
  for (const JpegSpec spec :
       {JpegSpec{}, JpegSpec{.restart_interval = 4}, JpegSpec{.arithmetic = true}, JpegSpec{.progressive = true, .arithmetic = true}}) {
    const std::string jpeg = jpeg_bytes(picture, spec);
    CHECK(decode_image(jpeg).sizes() == picture.sizes());
    for (const double share : {0.3, 0.6, 0.9, 0.98}) {
      CHECK_THROWS_WITH(decode_image(jpeg.substr(0, static_cast<size_t>(share * static_cast<double>(jpeg.size())))),
                        Catch::StartsWith("'picture' is truncated"));
    }
  }
  const std::string jpeg = encode_jpeg(picture);
  CHECK_THROWS_WITH(decode_image(jpeg.substr(0, jpeg.size() * 3 / 4) + "\xff\xd9"), Catch::Contains("truncated"));  // with an end
}

TEST_CASE("kinds of JPEG that are not supported are named, not called damaged", "[image]") {
  std::string jpeg = encode_jpeg(gradient_picture(8, 8));
  const size_t frame = segments(jpeg, 0xc0).front();
  std::string deep = jpeg;
  deep[frame + 4] = 12;
  CHECK_THROWS_WITH(decode_image(deep, "a.jpg"), Catch::StartsWith("'a.jpg' is a 12-bit JPEG, which is not supported"));
  for (const auto& [marker, what] : std::vector<std::pair<uint8_t, std::string>>{
           {0xc3, "a lossless JPEG"}, {0xcb, "a lossless JPEG"}, {0xc5, "a hierarchical JPEG"}, {0xf7, "a JPEG-LS picture"}}) {
    jpeg[frame + 1] = static_cast<char>(marker);
    CHECK_THROWS_WITH(decode_image(jpeg, "a.jpg"), Catch::StartsWith("'a.jpg' is " + what + ", which is not supported"));
  }
  CHECK_THROWS_WITH(decode_image(jpeg_bytes(8, 8, 2, JCS_UNKNOWN, 90)), Catch::Contains("neither") || Catch::Contains("channels"));
}

TEST_CASE("scans of a JPEG are counted against its size", "[image]") {
  // A picture of one color, whose scans are a few bytes each: the last is repeated.
  const std::string jpeg = jpeg_bytes(torch::full({3, 2000, 2000}, 77, torch::kByte), {.progressive = true});
  CHECK(decode_image(jpeg).size(1) == 2000);
  const size_t last = segments(jpeg, 0xda).back();
  std::string repeated = jpeg.substr(0, jpeg.size() - 2);
  for (int i = 0; i < 1100; ++i) repeated += jpeg.substr(last, jpeg.size() - 2 - last);
  CHECK_THROWS_WITH(decode_image(repeated + "\xff\xd9", "bomb.jpg"),
                    Catch::StartsWith("'bomb.jpg': ") && Catch::EndsWith(" scans of 2000 x 2000 pixels are too many"));
}

TEST_CASE("a PNG that lost no pixel is read", "[image]") {
  const at::Tensor picture = noisy_picture();
  const std::string png = encode_png(picture);
  const size_t end = png.find("IEND") - 4;  // behind the pixels' checksums: 4 bytes of zlib's, 4 of the chunk's
  for (const size_t size : {end + 11, end + 6, end, end - 2, end - 4, end - 6, end - 8}) {
    INFO(png.size() - size << " bytes are cut off");
    CHECK(same(png.substr(0, size), picture));
  }
  CHECK(same(png + "trailer", picture));
  std::string damaged = png_chunk("tEXt", "Comment\0text"s);
  damaged.back() ^= 1;
  CHECK(same(with_chunk(png, damaged), picture));
  CHECK(same(with_chunk(png, png_chunk("iCCP", "name\0\0no zlib stream"s)), picture));
  CHECK(same(with_chunk(png, png_chunk("gAMA", "?")), picture));
  CHECK(same(with_chunk(png, png_chunk("plTe", "")), picture));
  CHECK(same(with_chunk(png, png_chunk("caBX", std::string(9'000'000, 'x'))), picture));
  CHECK(same(with_chunk(png, png_chunk("zTXt", "Raw profile type exif\0\0"s + deflated(std::string(40'000'000, '\n')))), picture));
}

TEST_CASE("a PNG that lost pixels is refused", "[image]") {
  const std::string png = encode_png(noisy_picture());
  const size_t end = png.find("IEND") - 4;
  for (const size_t size : {end - 40, end / 2, png.find("IDAT") + 4, png.find("IDAT") - 4}) {
    CHECK_THROWS_WITH(decode_image(png.substr(0, size), "cut.png"), Catch::StartsWith("'cut.png' is truncated or damaged"));
  }
  std::string flipped = png;
  flipped[end - 5] ^= 1;  // the checksum of the pixels
  CHECK_THROWS_WITH(decode_image(flipped), Catch::Contains("damaged"));
  CHECK_THROWS_WITH(decode_image(png.substr(0, 8) + png_chunk("CgBI", "1234") + png.substr(8), "app.png"),
                    Catch::StartsWith("'app.png' is a PNG in Apple's"));
}

TEST_CASE("whatever bytes are changed, the outcome is a picture or one line", "[image]") {
  const at::Tensor picture = gradient_picture(16, 24);
  std::mt19937 random(7);
  for (const std::string& bytes :
       {encode_jpeg(picture), jpeg_bytes(picture, {.progressive = true}), encode_png(picture),
        with_chunk(encode_png(picture), png_chunk("eXIf", "MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"s))}) {
    for (size_t i = 0; i < bytes.size() + 400; ++i) {
      std::string changed = bytes.substr(0, i);  // of every length, then whole
      for (unsigned k = 0; i > bytes.size() && k <= random() % 4; ++k) changed[random() % changed.size()] = static_cast<char>(random());
      std::string told;
      try {
        told = decode_image(changed).size(0) == 3 ? "" : "not RGB\n";
      } catch (const Error& error) {  // and nothing else
        told = error.what();
      }
      if (told.find('\n') != std::string::npos) FAIL(told);
    }
  }
}
