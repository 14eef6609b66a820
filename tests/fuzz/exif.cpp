#include <ATen/ATen.h>

#include "image/pictures.hpp"
#include "secgan/image/image_file.hpp"
#include "targets.hpp"

namespace secgan::fuzz {

/// The same EXIF data in a JPEG and in a PNG of the same pixels turn both alike.
void exif(std::string_view bytes) {
  using namespace std::string_literals;
  if (bytes.size() > 0xffff - 8) return;  // a JPEG's segment holds no more
  static const std::string jpeg = encode_jpeg(at::arange(3 * 3 * 2, at::kByte).mul(14).view({3, 3, 2}));
  static const std::string png = encode_png(decode_image(jpeg));
  const std::string data(bytes);
  const at::Tensor in_jpeg = decode_image(testing::with_segment(jpeg, 0xe1, "Exif\0\0"s + data));
  require(at::equal(in_jpeg, decode_image(testing::with_chunk(png, testing::png_chunk("eXIf", data)))), "turned otherwise");
}

}  // namespace secgan::fuzz
