#pragma once
/// What the decoders find in a file, before color and orientation are seen to.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace secgan::detail {

struct Picture {
  enum class Space { kGray, kRgb, kCmyk };
  at::Tensor
      pixels;  ///< [H, W, C] uint8: first R, G, B (gray: thrice the same), what follows means nothing; or four inks, 255 for all of it
  Space space = Space::kRgb;
  std::string profile;  ///< ICC; empty for sRGB
  int orientation = 1;  ///< EXIF's, 1 to 8
};

/// One frame of each kind of file: the first. Memory is bounded by check_pixels, whatever the file declares.
/// @param name  the file's, for messages
/// @throws Error: truncated, damaged, of a kind that is not supported, too large. A file that lost no pixel is not damaged.
Picture decode_jpeg(std::string_view bytes, const std::string& name);
Picture decode_png(std::string_view bytes, const std::string& name);
Picture decode_webp(std::string_view bytes, const std::string& name);
Picture decode_tiff(std::string_view bytes, const std::string& name);
Picture decode_bmp(std::string_view bytes, const std::string& name);

/// The ids stored in a palette or 8-bit gray PNG.  @return [H, W] uint8
at::Tensor decode_png_ids(std::string_view bytes, const std::string& name);

/// Asked before memory for the pixels is.  @throws Error for none, and for more than 100 million.
void check_pixels(int64_t width, int64_t height, const std::string& name);

/// @param image [3, H, W] uint8, not empty   @return [H, W, 3], contiguous   @throws InvalidArgument
at::Tensor interleaved(const at::Tensor& image);

}  // namespace secgan::detail
