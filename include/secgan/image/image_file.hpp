#pragma once
/// Image files: JPEG, PNG, WebP, TIFF and BMP in, JPEG, PNG and animated WebP out, and masks as palette PNG.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/labels.hpp"
#include "secgan/image/provenance.hpp"

namespace secgan {

/// A photo, told by its content, not its name: JPEG, PNG, WebP, TIFF or BMP; of several pictures in a file, the first. It becomes what a
/// viewer shows, but for alpha, which is dropped: upright (orientation from EXIF or XMP), in sRGB (color profiles are applied,
/// docs/decisions/0020), gray, palette and CMYK as RGB, 16 bits as 8.
/// @return [3, H, W] uint8 RGB
/// @throws FileNotFound, or Error naming the file: another kind (which one), truncated, damaged, more than 100 Mpixel. Damage is what costs
///         pixels: a file whose metadata or checksums alone are faulty or cut off is read.
SECGAN_API at::Tensor read_image(const std::filesystem::path& file);
/// A photo, and of how many pictures in its file it is the first: frames of an animation, pages.
struct ReadPhoto {
  at::Tensor image;  ///< [3, H, W] uint8 RGB
  int64_t pictures = 1;
};
/// @throws as read_image
SECGAN_API ReadPhoto read_photo(const std::filesystem::path& file);
/// The same of a file's bytes.
/// @param name  first word of a message
SECGAN_API ReadPhoto decode_photo(std::string_view bytes, const std::string& name = "picture");
/// Its photo alone.
SECGAN_API at::Tensor decode_image(std::string_view bytes, const std::string& name = "picture");

/// The same of pixels that somebody else decoded, with what their file says about them.
/// @param pixels [H, W, C] uint8: gray, RGB or CMYK (255 for all of an ink)   @param profile  ICC; empty for sRGB
/// @param orientation  EXIF's, 1 to 8
/// @return [3, H, W] uint8 RGB
SECGAN_API at::Tensor photo_from_pixels(const at::Tensor& pixels, std::string_view profile = {}, int orientation = 1);
/// The ICC profile that PNG's gAMA and cHRM stand for.
/// @param chromaticities  x and y of white, red, green and blue   @return empty for sRGB
SECGAN_API std::string profile_of_gamma(const std::optional<double>& gamma, const std::optional<std::array<double, 8>>& chromaticities);

/// A mask: the ids stored in a palette or 8-bit gray PNG, never the colors that they show.
/// @return [H, W] uint8   @throws Error for other kinds of PNG, naming the file.
SECGAN_API at::Tensor read_index_mask(const std::filesystem::path& file);

/// What a file is and says of itself.
struct PictureFacts {
  std::string kind;               ///< "JPEG", "PNG", "WebP", "TIFF" or "BMP"
  int64_t width = 0, height = 0;  ///< in pixels, turned upright
  int64_t bytes = 0;              ///< of the file
  int64_t pictures = 1;           ///< in the file: frames of an animation, pages; size and provenance are the first's
  Provenance provenance;          ///< texts that the file lacks are empty; in one line, what steers a terminal made visible
};
/// @throws as read_image: the pixels are decoded, but for their colors
SECGAN_API PictureFacts inspect_image(const std::filesystem::path& file);
/// The same of a file's bytes, as decode_image.
SECGAN_API PictureFacts inspect_image_bytes(std::string_view bytes, const std::string& name = "picture");

/// @param image [3, H, W] uint8 RGB   @param made  what the file says of how it was made; costs no pixel
SECGAN_API std::string encode_png(const at::Tensor& image, const Provenance& made = {});
inline constexpr int kJpegQuality = 95;
/// @param quality 1 to 100; colors are not subsampled
SECGAN_API std::string encode_jpeg(const at::Tensor& image, int quality = kJpegQuality, const Provenance& made = {});
/// A WebP that shows pictures one after another, over and over.
/// @param frames [3, H, W] uint8 RGB each, of one size, at most 16383 a side   @param seconds  that each is shown, in whole milliseconds
/// @param lossless  keeps every bit, in files several times as large
/// @throws InvalidArgument for no picture, several sizes or a side that WebP lacks
SECGAN_API std::string encode_animation(const std::vector<at::Tensor>& frames, double seconds, const Provenance& made = {},
                                        bool lossless = false);
/// @param mask [H, W] uint8 ids   @param palette RGB by id, at most 256; ids beyond it are an error
SECGAN_API std::string encode_index_png(const at::Tensor& mask, const std::vector<std::array<uint8_t, 3>>& palette,
                                        const Provenance& made = {});

/// PNG or JPEG by the name's extension, whole or not at all; folders above it are made.
/// @throws InvalidArgument for another extension.
SECGAN_API void write_image(const std::filesystem::path& file, const at::Tensor& image, const Provenance& made = {});
SECGAN_API void write_index_mask(const std::filesystem::path& file, const at::Tensor& mask, Labels labels);

/// @param mask [H, W] uint8 ids of the label set   @return [3, H, W] uint8 in its palette
SECGAN_API at::Tensor colorize(const at::Tensor& mask, Labels labels);

}  // namespace secgan
