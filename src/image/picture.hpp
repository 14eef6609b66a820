#pragma once
/// What the decoders find in a file, before color and orientation are seen to.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/labels.hpp"

namespace secgan::detail {

struct Picture {
  enum class Space { kGray, kRgb, kCmyk, kLab };
  /// [H, W, C] uint8: first R, G, B (gray: thrice the same), what follows means nothing; or four inks, 255 for all of it; or first L*,
  /// a* + 128, b* + 128 of D50.
  at::Tensor pixels;
  Space space = Space::kRgb;
  std::string profile;                                          ///< ICC; empty for sRGB
  int orientation = 1;                                          ///< EXIF's, 1 to 8
  std::string xmp;                                              ///< the packet
  int64_t pictures = 1;                                         ///< in the file: frames of an animation, pages; this is the first
  std::vector<std::pair<std::string, std::string>> texts = {};  ///< PNG's that provenance_of reads: keyword and UTF-8
};

/// One frame of each kind of file: the first. Memory is bounded by check_pixels, whatever the file declares.
/// @param name  the file's, for messages
/// @throws Error: truncated, damaged, of a kind that is not supported, too large. A file that lost no pixel is not damaged.
Picture decode_jpeg(std::string_view bytes, const std::string& name);
Picture decode_png(std::string_view bytes, const std::string& name);
Picture decode_webp(std::string_view bytes, const std::string& name);
Picture decode_tiff(std::string_view bytes, const std::string& name);
Picture decode_bmp(std::string_view bytes, const std::string& name);

using Palette = std::vector<std::array<uint8_t, 3>>;

/// read_image's pixels, with rows, columns and colors as the decoder laid them, not copied into planes: what is cut out and resized at once
/// takes less time so.
at::Tensor read_image_as_decoded(const std::filesystem::path& path);

/// The ids stored in a palette or 8-bit gray PNG.  @param palette  receives its colors; none of a gray one   @return [H, W] uint8
at::Tensor decode_png_ids(std::string_view bytes, const std::string& name, Palette* palette = nullptr);

/// As the public one, of ids that should be of this label set.
/// @throws Error, too, where its colors are those of another set, whose ids mean other classes.
at::Tensor read_index_mask(const std::filesystem::path& path, Labels labels);

/// Asked before memory for the pixels is.  @throws Error for none, and for more than 100 million.
void check_pixels(int64_t width, int64_t height, const std::string& name);

/// @param image [3, H, W] uint8, not empty   @return [H, W, 3], contiguous   @throws InvalidArgument
at::Tensor interleaved(const at::Tensor& image);

}  // namespace secgan::detail
