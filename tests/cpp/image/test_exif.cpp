#include <catch2/catch.hpp>

#include <algorithm>

#include "core/format.hpp"
#include "image/exif.hpp"
#include "image/pictures.hpp"
#include "secgan/image/image_file.hpp"

using namespace secgan;
using namespace secgan::testing;
using namespace std::string_literals;

namespace {

/// An entry of a TIFF directory, value in place.
struct Entry {
  uint16_t tag = 0x0112, type = 3;
  uint32_t count = 1, value = 6;
};

std::string number(bool motorola, uint32_t value, size_t bytes) {
  std::string out = big_endian(value, bytes);
  if (!motorola) std::reverse(out.begin(), out.end());
  return out;
}

size_t size_of(uint16_t type) { return type == 1 || type == 2 || type == 6 || type == 7 ? 1 : type == 3 || type == 8 ? 2 : 4; }

/// A TIFF block of one directory at `place`.
std::string tiff_block(bool motorola, const std::vector<Entry>& entries, uint32_t place = 8) {
  std::string out = (motorola ? "MM"s : "II"s) + number(motorola, 42, 2) + number(motorola, place, 4) + std::string(place - 8, '\x11');
  out += number(motorola, static_cast<uint32_t>(entries.size()), 2);
  for (const Entry& entry : entries) {
    std::string value = number(motorola, entry.value, size_of(entry.type));
    value.resize(4, '\0');
    out += number(motorola, entry.tag, 2) + number(motorola, entry.type, 2) + number(motorola, entry.count, 4) + value;
  }
  return out + number(motorola, 0, 4);
}

}  // namespace

TEST_CASE("EXIF's orientation is found in either byte order, type and place", "[image]") {
  const Entry make{0x010f, 2, 4, 0x41}, wide{0x0100, 4, 1, 0xffffffff}, last{0xfde8, 3, 1, 3};
  for (const bool motorola : {false, true}) {
    INFO((motorola ? "MM" : "II"));
    for (uint32_t value = 1; value <= 8; ++value) {
      for (const uint16_t type : {1, 3, 4, 6, 8, 9, 13}) {
        INFO("value " << value << ", type " << type);
        const Entry turn{.type = type, .value = value};
        const int expected = static_cast<int>(value);
        CHECK(secgan::detail::exif_orientation(tiff_block(motorola, {turn})) == expected);
        CHECK(secgan::detail::exif_orientation("Exif\0\0"s + tiff_block(motorola, {last, wide, turn, make}, 24)) == expected);
        CHECK(secgan::detail::exif_orientation("Exif\0\0Exif\0\0"s + tiff_block(motorola, {make, turn})) == expected);
      }
    }
    for (const Entry& odd :
         {Entry{.value = 0}, Entry{.value = 9}, Entry{.type = 4, .value = 0x60000}, Entry{.type = 2}, Entry{.count = 0}}) {
      CHECK(secgan::detail::exif_orientation(tiff_block(motorola, {odd})) == 1);
    }
    CHECK(secgan::detail::exif_orientation(tiff_block(motorola, {make, wide})) == std::nullopt);
  }
}

TEST_CASE("EXIF that is cut short, or none at all, says nothing", "[image]") {
  const std::string whole = tiff_block(true, {{.tag = 0x010f}, {}}, 16);
  const size_t needed = 16 + 2 + 24;
  for (size_t size = 0; size < whole.size(); ++size) {
    INFO(size << " bytes");
    CHECK(secgan::detail::exif_orientation(whole.substr(0, size)) == (size < needed ? std::nullopt : std::optional(6)));
  }
  CHECK(secgan::detail::exif_orientation("MM\0\x2b"s + whole.substr(4)) == std::nullopt);
  CHECK(secgan::detail::exif_orientation("XX\0*"s + whole.substr(4)) == std::nullopt);
  CHECK(secgan::detail::exif_orientation("MM\0*\xff\xff\xff\xff"s + whole) == std::nullopt);
}

TEST_CASE("XMP's orientation is an attribute or an element, and EXIF's counts before it", "[image]") {
  CHECK(secgan::detail::xmp_orientation(R"(<rdf:Description tiff:Orientation="6"/>)") == 6);
  CHECK(secgan::detail::xmp_orientation("<tiff:Orientation>8</tiff:Orientation>") == 8);
  CHECK(secgan::detail::xmp_orientation(R"(<tiff:Orientation /> tiff:Orientation="3")") == 3);
  CHECK(secgan::detail::xmp_orientation(R"(tiff:Orientation="9")") == 1);
  for (const std::string text : {"", "tiff:Orientation", "tiff:Orientation=\"", "tiff:Orientation>x"})
    CHECK(secgan::detail::xmp_orientation(text) == std::nullopt);
  CHECK(secgan::detail::orientation(tiff_block(false, {{.value = 8}}), "<tiff:Orientation>6<") == 8);
  CHECK(secgan::detail::orientation(tiff_block(false, {{.tag = 1}}), "<tiff:Orientation>6<") == 6);
  CHECK(secgan::detail::orientation("", "") == 1);
}

TEST_CASE("JPEG is turned by the first EXIF among its segments, or by XMP", "[image]") {
  const std::string jpeg = encode_jpeg(gradient_picture(24, 40));
  const std::string exif = "Exif\0\0"s + tiff_block(true, {{.type = 4, .value = 6}});
  const std::string xmp = "http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation=\"6\"/>"s;
  const at::Tensor turned = decode_image(with_segment(jpeg, 0xe1, exif));
  CHECK(turned.size(1) == 40);
  CHECK(at::equal(decode_image(with_segment(with_segment(jpeg, 0xe1, exif), 0xe1, xmp)), turned));
  CHECK(at::equal(decode_image(with_segment(with_segment(jpeg, 0xe1, xmp), 0xe1, exif)), turned));
  CHECK(at::equal(decode_image(with_segment(jpeg, 0xe1, xmp)), turned));
  // A block that goes on in a second segment.
  const std::string second = "Exif\0\0"s + exif.substr(20);
  CHECK(at::equal(decode_image(with_segment(with_segment(jpeg, 0xe1, second), 0xe1, exif.substr(0, 20))), turned));
  CHECK(decode_image(with_segment(jpeg, 0xe1, "Exif\0\0"s)).size(1) == 24);
}

TEST_CASE("PNG is turned by eXIf, raw profiles and XMP, before or behind its pixels", "[image]") {
  const at::Tensor picture = gradient_picture(6, 9);
  const at::Tensor turned = picture.transpose(1, 2).flip({2});  // 6: the first row is at the right
  const std::string png = encode_png(picture), tiff = tiff_block(true, {{.value = 6}});
  std::string digits;
  for (const char c : "Exif\0\0"s + tiff) digits += fmt::format("{:02X}\n", static_cast<uint8_t>(c));
  const std::string raw = "\nexif\n    " + std::to_string(tiff.size() + 6) + "\n" + digits, xmp = "<tiff:Orientation>6</tiff:Orientation>";
  for (const std::string& chunk : {
           png_chunk("eXIf", tiff),
           png_chunk("eXIf", "Exif\0\0"s + tiff),
           png_chunk("tEXt", "Raw profile type exif\0"s + raw),
           png_chunk("zTXt", "Raw profile type APP1\0\0"s + deflated(raw)),
           png_chunk("iTXt", "XML:com.adobe.xmp\0\0\0\0\0"s + xmp),
           png_chunk("iTXt", "XML:com.adobe.xmp\0\1\0de\0XMP\0"s + deflated(xmp)),
       }) {
    INFO(chunk.substr(4, 24));
    CHECK(at::equal(decode_image(with_chunk(png, chunk)), turned));
    CHECK(at::equal(decode_image(with_chunk(png, chunk, /*behind=*/true)), turned));
    std::string damaged = chunk;
    damaged.back() ^= 1;
    CHECK(at::equal(decode_image(with_chunk(png, damaged)), picture));
  }
}
