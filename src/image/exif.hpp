#pragma once
/// How a picture's file says that it must be turned.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "secgan/core/export.hpp"

namespace secgan::detail {

/// The first number of a tag in the first directory of a TIFF block, in either byte order and any integer type of up to 32 bits.
/// @param block  "II*\0…", "MM\0*…", or BigTIFF's
/// @return 0 for a value of another type, or none in its place; nothing where there is no such tag or no such block
std::optional<uint32_t> tiff_number(std::string_view block, uint16_t tag);

/// Tag 274 of a TIFF block in either byte order, any integer type, wherever it stands among the entries of the first directory.
/// @param exif  "II*\0…" or "MM\0*…", also behind "Exif\0\0"
/// @return 1 to 8; 1 for a value that means nothing; nothing where there is no such tag or no such block
std::optional<int> exif_orientation(std::string_view exif);

/// tiff:Orientation as an attribute or an element, as Pillow looks for it.
std::optional<int> xmp_orientation(std::string_view xmp);

/// EXIF is asked first, then XMP; 1 where both are silent.
int orientation(std::string_view exif, std::string_view xmp);

/// @param image [C, H, W]   @param orientation 1 to 8: where the stored first row and column belong (TIFF 6.0, tag 274)
/// @return in any layout
SECGAN_API at::Tensor upright(const at::Tensor& image, int orientation);

}  // namespace secgan::detail
