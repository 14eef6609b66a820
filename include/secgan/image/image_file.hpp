#pragma once
/// Image files: JPEG and PNG in, JPEG and PNG out, and masks as palette PNG.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/labels.hpp"

namespace secgan {

/// A photo, told by its content, not its name. Gray and palette pictures become RGB, alpha is dropped, 16 bits
/// become 8, a JPEG's EXIF orientation is applied.
/// @return [3, H, W] uint8 RGB
/// @throws FileNotFound, or Error naming the file: neither JPEG nor PNG, truncated, damaged, larger than 100 Mpixel.
SECGAN_API at::Tensor read_image(const std::filesystem::path& file);

/// A mask: the ids stored in a palette or 8-bit gray PNG, never the colors that they show.
/// @return [H, W] uint8   @throws Error for other kinds of PNG, naming the file.
SECGAN_API at::Tensor read_index_mask(const std::filesystem::path& file);

/// @param image [3, H, W] uint8 RGB
SECGAN_API std::string encode_png(const at::Tensor& image);
/// @param quality 1 to 100; colors are not subsampled
SECGAN_API std::string encode_jpeg(const at::Tensor& image, int quality = 95);
/// @param mask [H, W] uint8 ids   @param palette RGB by id, at most 256; ids beyond it are an error
SECGAN_API std::string encode_index_png(const at::Tensor& mask, const std::vector<std::array<uint8_t, 3>>& palette);

/// PNG or JPEG by the name's extension, whole or not at all.
/// @throws InvalidArgument for another extension.
SECGAN_API void write_image(const std::filesystem::path& file, const at::Tensor& image);
SECGAN_API void write_index_mask(const std::filesystem::path& file, const at::Tensor& mask, Labels labels);

/// @param mask [H, W] uint8 ids of the label set   @return [3, H, W] uint8 in its palette
SECGAN_API at::Tensor colorize(const at::Tensor& mask, Labels labels);

}  // namespace secgan
