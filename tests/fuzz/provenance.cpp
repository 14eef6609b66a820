#include "secgan/image/provenance.hpp"

#include <ATen/ATen.h>

#include "image/pictures.hpp"
#include "secgan/image/image_file.hpp"
#include "targets.hpp"

namespace secgan::fuzz {

/// The same XMP packet in a JPEG and in a PNG says the same; what is read of it and written again is read again.
void provenance(std::string_view bytes) {
  using namespace std::string_literals;
  const std::string packet(bytes), segment = "http://ns.adobe.com/xap/1.0/\0"s + packet;
  if (segment.size() > 0xffff - 2) return;  // a JPEG's segment holds no more
  static const at::Tensor picture = at::arange(3 * 3 * 2, at::kByte).mul(14).view({3, 3, 2});
  static const std::string jpeg = encode_jpeg(picture), png = encode_png(picture);
  const Provenance read = inspect_image_bytes(testing::with_segment(jpeg, 0xe1, segment)).provenance;
  const auto in_png = testing::with_chunk(png, testing::png_chunk("iTXt", "XML:com.adobe.xmp\0\0\0\0\0"s + packet));
  require(inspect_image_bytes(in_png).provenance == read, "a PNG says otherwise");

  const Provenance again = inspect_image_bytes(encode_jpeg(picture, kJpegQuality, read)).provenance;
  require(inspect_image_bytes(encode_png(picture, read)).provenance == again, "written otherwise in a PNG");
  require(inspect_image_bytes(encode_png(picture, again)).provenance == again, "written again otherwise");
}

}  // namespace secgan::fuzz
