#include <catch2/catch.hpp>

#include "image/pictures.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/image/provenance.hpp"
#include "secgan/io/file.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;
using namespace std::string_literals;

namespace {

const std::string kSegment = "http://ns.adobe.com/xap/1.0/\0"s;
const std::string kRdf = " xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'";

Provenance full() {
  return {.source_type = std::string(kTrainedComposite),
          .software = this_software(),
          .model = "faces <b> & \"Łódź\" 'x'",
          .model_hash = "0123456789ab",
          .edits = {"5_o_Clock_Shadow=-0.5", "Größe<>&\"'=1", "a=b=2"}};
}

/// What a JPEG and a PNG with this packet say: the same.
Provenance read_packet(const std::string& xmp) {
  static const at::Tensor picture = gradient_picture(6, 5);
  static const std::string jpeg = encode_jpeg(picture), png = encode_png(picture);
  const Provenance in_jpeg = inspect_image_bytes(with_segment(jpeg, 0xe1, kSegment + xmp)).provenance;
  CHECK(inspect_image_bytes(with_chunk(png, png_chunk("iTXt", "XML:com.adobe.xmp\0\0\0\0\0"s + xmp))).provenance == in_jpeg);
  return in_jpeg;
}

}  // namespace

TEST_CASE("Provenance is read back from PNG, JPEG and masks, and costs no byte of the picture", "[provenance]") {
  const at::Tensor picture = gradient_picture(21, 34);
  const at::Tensor ids = at::arange(12, at::kByte).view({3, 4});
  const std::vector<std::array<uint8_t, 3>> palette(12, {1, 2, 3});
  const Provenance made = full();
  const auto check = [&](const std::string& plain, const std::string& marked, size_t header, const std::string& kind) {
    CAPTURE(kind);
    REQUIRE(marked.size() > plain.size());
    const std::string rest = plain.substr(header);
    CHECK(marked.substr(0, header) == plain.substr(0, header));
    CHECK(marked.substr(marked.size() - rest.size()) == rest);
    const PictureFacts facts = inspect_image_bytes(marked);
    CHECK(facts.provenance == made);
    CHECK(facts.kind == kind);
    CHECK(facts.bytes == std::ssize(marked));
    CHECK(inspect_image_bytes(plain).provenance.empty());
  };
  check(encode_png(picture), encode_png(picture, made), 33, "PNG");
  check(encode_jpeg(picture), encode_jpeg(picture, kJpegQuality, made), 20, "JPEG");
  check(encode_index_png(ids, palette), encode_index_png(ids, palette, made), 33, "PNG");
  CHECK(at::equal(decode_image(encode_png(picture, made)), picture));
  CHECK(encode_png(picture, {}) == encode_png(picture));

  const TemporaryFolder folder;
  write_image(folder / "a.jpg", picture, made);
  const PictureFacts facts = inspect_image(folder / "a.jpg");
  CHECK(facts.provenance == made);
  CHECK((facts.width == 34 && facts.height == 21));
  write_index_mask(folder / "mask.png", ids, Labels::kSecgan12);
  CHECK(inspect_image(folder / "mask.png").provenance.empty());
  CHECK(at::equal(read_index_mask(folder.write("marked.png", encode_index_png(ids, palette, made))), ids));
}

TEST_CASE("PNG says it in texts too, which stand alone", "[provenance]") {
  std::string png = encode_png(gradient_picture(4, 4), full());
  // Without the packet: what an optimizer leaves.
  const size_t at = png.find("iTXtXML:com.adobe.xmp") - 4;
  png.erase(at, png.find("IDAT") - 4 - at);
  Provenance left = full();
  left.source_type.clear();
  CHECK(inspect_image_bytes(png).provenance == left);
  // Other programs' are in Latin-1.
  const std::string plain = encode_png(gradient_picture(4, 4));
  CHECK(inspect_image_bytes(with_chunk(plain, png_chunk("tEXt", "Software\0Caf\xe9 2"s))).provenance.software == "Café 2");
  CHECK(inspect_image_bytes(with_chunk(plain, png_chunk("zTXt", "Software\0\0"s + deflated("zipped")))).provenance.software == "zipped");
}

TEST_CASE("A picture's size is that of the picture that is shown", "[provenance]") {
  const PictureFacts facts = inspect_image_bytes(with_orientation(encode_jpeg(gradient_picture(8, 20)), 6, true));
  CHECK((facts.width == 8 && facts.height == 20));
}

TEST_CASE("DigitalSourceType is found as attribute and as element, by its namespace", "[provenance]") {
  const std::string space = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/";
  const auto read = [](const std::string& xmp) { return read_packet(xmp).source_type; };
  CHECK(read("<d xmlns:Iptc4xmpExt=\"" + space + "\" Iptc4xmpExt:DigitalSourceType=\"http://a/b\"/>") == "http://a/b");
  CHECK(read("<d xmlns:ext='" + space + "'\n ext:DigitalSourceType='it&apos;s'/>") == "it's");
  CHECK(read("<d xmlns:ext='" + space + "'><ext:DigitalSourceType>a&amp;b</ext:DigitalSourceType></d>") == "a&b");
  // The second one is well formed.
  CHECK(read("<d xmlns:e='" + space + "'><e:DigitalSourceType><b/></e:DigitalSourceType><e:DigitalSourceType>x</e:DigitalSourceType>") ==
        "x");
  for (const std::string& other : {
           "<d xmlns:ext='http://example.org/' ext:DigitalSourceType='x'/>"s,
           "<d xmlns:ext='" + space + "' other:DigitalSourceType='x'/>",
           "<d xmlns:ext='" + space + "' ext:DigitalSourceTypes='x'/>",
           "<d xmlns:ext='" + space + "' ext:DigitalSourceType='&file;'/>",
           "<d xmlns:ext='" + space + "' ext:DigitalSourceType='x",
           "<d xmlns:ext='" + space + "'><ext:DigitalSourceType>x</b>",
           "<d xmlns:ext='" + space + "'><ext:DigitalSourceType>x",
           "<d xmlns:='" + space + "' :DigitalSourceType='x'/>",
           space,
           "'" + space + "'",
           ""s,
       }) {
    CAPTURE(other);
    CHECK(read(other).empty());
  }
}

TEST_CASE("A list of edits is read whole or not at all", "[provenance]") {
  const auto read = [](const std::string& items) {
    return read_packet("<d xmlns:s='urn:secgan:1.0:'" + kRdf + "><s:Edits>" + items + "</s:Edits></d>").edits;
  };
  using Edits = std::vector<std::string>;
  CHECK((read("<rdf:Seq><rdf:li>A=1</rdf:li>\n <rdf:li>B=2</rdf:li></rdf:Seq>") == Edits{"A=1", "B=2"}));
  CHECK(read("<rdf:Seq><rdf:li>A=1</rdf:li><rdf:li>&x;</rdf:li></rdf:Seq>").empty());
  CHECK(read("<rdf:Seq><rdf:li>A=1</rdf:li><rdf:li>B=1</rdf:Seq>").empty());
  CHECK(read("<rdf:li>A=1</rdf:li>").empty());
  CHECK(read("").empty());
}

TEST_CASE("Texts of strangers are one line and never steer a terminal", "[provenance]") {
  const std::string space = " xmlns:xmp='http://ns.adobe.com/xap/1.0/'";
  CHECK(read_packet("<d" + space + " xmp:CreatorTool='a\x1b[31m\nb\xff'/>").software == "a\\x1b[31m\\nb\\xff");
  // The same once it is written: XML has no such characters.
  const Provenance odd{.software = "a\nb", .model = "\x1b\xef\xbf\xbf"};
  const Provenance read = inspect_image_bytes(encode_jpeg(gradient_picture(4, 4), kJpegQuality, odd)).provenance;
  CHECK((read == Provenance{.software = "a\\nb", .model = "\\x1b\xef\xbf\xbd"}));
  CHECK(inspect_image_bytes(encode_png(gradient_picture(4, 4), odd)).provenance == read);
}

TEST_CASE("What a JPEG's segment cannot hold is left out, and told", "[provenance]") {
  Provenance made = full();
  for (int i = 0; i < 2000; ++i) made.edits.push_back(std::string(100, 'x') + "=" + std::to_string(i));
  const at::Tensor picture = gradient_picture(6, 6);
  const Provenance read = inspect_image_bytes(encode_jpeg(picture, kJpegQuality, made)).provenance;
  REQUIRE(read.edits.size() > 200);
  CHECK(read.edits.back() == "...");
  CHECK(std::equal(read.edits.begin(), read.edits.end() - 1, made.edits.begin()));
  CHECK(inspect_image_bytes(encode_png(picture, made)).provenance == read);
  made.model = std::string(70'000, 'x');
  CHECK_THROWS_WITH(encode_png(picture, made), Catch::Contains("at most 60000 can be written"));
}

TEST_CASE("Other files are refused as photos are", "[provenance]") {
  CHECK_THROWS_WITH(inspect_image_bytes("text", "a.txt"), Catch::Contains("'a.txt' is text"));
  CHECK_THROWS_WITH(inspect_image_bytes(encode_png(gradient_picture(9, 9)).substr(0, 60), "a.png"), Catch::Contains("truncated"));
  CHECK_THROWS_AS(inspect_image("/nowhere/a.png"), FileNotFound);
}
