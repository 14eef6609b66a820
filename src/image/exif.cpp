#include "image/exif.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace secgan::detail {
using namespace std::string_view_literals;

std::optional<uint32_t> tiff_number(std::string_view block, uint16_t tag) {
  const bool big_endian = block.starts_with("MM");
  const auto number = [&](uint64_t place, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<uint8_t>(block[place + (big_endian ? i : size - 1 - i)]);
    return value;
  };
  constexpr size_t kClassicHead = 8, kBigHead = 16;
  const bool big = block.starts_with("MM\0+"sv) || block.starts_with("II+\0"sv);  // BigTIFF: places and counts of 64 bits
  if (!big && !block.starts_with("MM\0*"sv) && !block.starts_with("II*\0"sv)) return {};
  if (block.size() < (big ? kBigHead : kClassicHead)) return {};
  const size_t place_size = big ? 8 : 4, count_size = big ? 8 : 2, entry_size = 4 + 2 * place_size;  // tag, type, count, value
  const uint64_t directory = number(big ? 8 : 4, place_size);
  if (directory > block.size() || block.size() - directory < count_size) return {};
  const uint64_t entries = std::min(number(directory, count_size), (block.size() - directory - count_size) / entry_size);
  for (uint64_t i = 0; i < entries; ++i) {
    const uint64_t entry = directory + count_size + entry_size * i;
    if (number(entry, 2) != tag) continue;
    size_t size = 0;
    switch (number(entry + 2, 2)) {
      case 1:  // BYTE
      case 6: size = 1; break;
      case 3:  // SHORT
      case 8: size = 2; break;
      case 4:  // LONG
      case 9:
      case 13: size = 4; break;
      default: return 0;
    }
    const uint64_t count = number(entry + 4, place_size);
    return count >= 1 && count <= place_size / size ? static_cast<uint32_t>(number(entry + 4 + place_size, size)) : 0;
  }
  return {};
}

std::optional<int> exif_orientation(std::string_view exif) {
  while (exif.starts_with("Exif\0\0"sv)) exif.remove_prefix(6);  // some writers say it twice
  const std::optional<uint32_t> value = tiff_number(exif, 0x0112);
  if (!value) return {};
  return *value >= 1 && *value <= 8 ? static_cast<int>(*value) : 1;
}

std::optional<int> xmp_orientation(std::string_view xmp) {
  constexpr std::string_view kName = "tiff:Orientation";
  for (size_t at = xmp.find(kName); at != std::string_view::npos; at = xmp.find(kName, at + 1)) {
    std::string_view value = xmp.substr(at + kName.size());
    if (value.starts_with("=\"")) {
      value.remove_prefix(2);
    } else if (value.starts_with('>')) {
      value.remove_prefix(1);
    } else {
      continue;
    }
    if (!value.empty() && value[0] >= '0' && value[0] <= '9') return value[0] >= '1' && value[0] <= '8' ? value[0] - '0' : 1;
  }
  return {};
}

int orientation(std::string_view exif, std::string_view xmp) {
  const std::optional<int> told = exif_orientation(exif);
  return told ? *told : xmp_orientation(xmp).value_or(1);
}

at::Tensor upright(const at::Tensor& image, int orientation) {
  const at::Tensor out = orientation >= 5 ? image.transpose(1, 2) : image;
  // What is left after the transpose: which axes run backwards.
  std::vector<int64_t> backwards;
  if (orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8) backwards.push_back(1);
  if (orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7) backwards.push_back(2);
  return backwards.empty() ? out : out.flip(backwards);
}

}  // namespace secgan::detail
