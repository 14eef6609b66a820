#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "core/format.hpp"
#include "image/picture.hpp"
#include "secgan/core/error.hpp"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#include <stb/stb_image.h>

namespace secgan::detail {
namespace {

struct BmpSource {
  std::string_view rest;
  bool ended_early = false;  ///< more was asked for than the file has: stb_image goes on with zeros
};

constexpr stbi_io_callbacks kBmpCallbacks{
    [](void* source, char* out, int count) {
      auto& [rest, ended_early] = *static_cast<BmpSource*>(source);
      const size_t taken = std::min(static_cast<size_t>(count), rest.size());
      std::memcpy(out, rest.data(), taken);
      rest.remove_prefix(taken);
      ended_early = ended_early || taken == 0;
      return static_cast<int>(taken);
    },
    [](void* source, int count) {
      auto& rest = static_cast<BmpSource*>(source)->rest;
      rest.remove_prefix(std::min(static_cast<size_t>(std::max(count, 0)), rest.size()));
    },
    [](void* source) { return static_cast<int>(static_cast<BmpSource*>(source)->rest.empty()); },
};

uint32_t little_endian(std::string_view bytes, size_t at, size_t count) {
  uint32_t value = 0;
  for (size_t i = 0; i < count && at + i < bytes.size(); ++i) value |= uint32_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
  return value;
}

/// What the header says, of OS/2's early kind or a later one.
struct BmpHeader {
  explicit BmpHeader(std::string_view bytes)
      : pixels(little_endian(bytes, 10, 4)),
        size(little_endian(bytes, 14, 4)),
        bits(little_endian(bytes, early() ? 24 : 28, 2)),
        stored_one_by_one(early() || little_endian(bytes, 30, 4) == 0),
        colors(early() ? 0 : little_endian(bytes, 46, 4)) {}

  bool early() const { return size == 12; }
  uint64_t palette() const { return kFileHeader + uint64_t{size}; }  ///< where it begins

  static constexpr size_t kFileHeader = 14;
  uint32_t pixels;  ///< where they begin
  uint32_t size;    ///< of the header itself
  uint32_t bits;
  bool stored_one_by_one;
  uint32_t colors;  ///< 0: as many as the bits can tell
};

/// Of pixels that are stored one by one, as all are that stb_image reads: rows of whole groups of four bytes.
uint64_t stored_bytes(const BmpHeader& header, uint64_t width, uint64_t height) { return (width * header.bits + 31) / 32 * 4 * height; }

/// The same picture with a palette of 256 colors and the header that most files have. stb_image keeps room for 256, fills those the file
/// has, or of an early header four fewer, and shows memory where a pixel names another: here those are black, as Pillow has them.
std::string with_whole_palette(std::string_view bytes, const BmpHeader& header) {
  constexpr size_t kSize = 40, kColors = 256;
  const size_t entry = header.early() ? 3 : 4;
  const uint64_t most = std::min<uint64_t>(header.colors == 0 ? kColors : header.colors, uint64_t{1} << header.bits);
  const uint64_t room = (header.pixels - header.palette()) / entry;
  std::string out(BmpHeader::kFileHeader + kSize + 4 * kColors, '\0');
  const auto put = [&](size_t at, uint32_t value, size_t count) {
    for (size_t i = 0; i < count; ++i) out[at + i] = static_cast<char>(value >> (8 * i));
  };
  out[0] = 'B';
  out[1] = 'M';
  put(10, static_cast<uint32_t>(out.size()), 4);
  put(14, kSize, 4);
  const size_t side = header.early() ? 2 : 4;
  put(18, little_endian(bytes, 18, side), 4);
  put(22, little_endian(bytes, 18 + side, side), 4);
  put(26, 1, 2);
  put(28, header.bits, 2);
  for (size_t i = 0; i < std::min(most, room); ++i)
    std::memcpy(&out[BmpHeader::kFileHeader + kSize + 4 * i], &bytes[header.palette() + entry * i], 3);
  return out.append(bytes.substr(header.pixels));
}

}  // namespace

Picture decode_bmp(std::string_view bytes, const std::string& name) {
  BmpSource source{bytes};
  int width = 0, height = 0, channels = 0;
  const auto require = [&](bool read) {
    if (source.ended_early) throw Error(fmt::format("'{}' is truncated or damaged: the file ends too early", name));
    if (!read) throw Error(fmt::format("'{}' is a BMP picture of a kind that is not supported: {}", name, stbi_failure_reason()));
  };
  require(stbi_info_from_callbacks(&kBmpCallbacks, &source, &width, &height, &channels) != 0);
  const int64_t rows = std::abs(int64_t{height});  // negative: from the top downwards
  check_pixels(width, rows, name);
  const BmpHeader header(bytes);
  // Told before millions of pixels are made of nothing.
  source.ended_early =
      header.pixels > bytes.size() || stored_bytes(header, static_cast<uint64_t>(width), static_cast<uint64_t>(rows)) > bytes.size();
  require(true);
  std::string whole;
  if (header.bits <= 8 && header.stored_one_by_one) {
    if (header.pixels < header.palette())
      throw Error(fmt::format("'{}' is truncated or damaged: its pixels begin within its header", name));
    bytes = whole = with_whole_palette(bytes, header);
  }
  source = {bytes};
  const std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> pixels(
      stbi_load_from_callbacks(&kBmpCallbacks, &source, &width, &height, &channels, 3), &stbi_image_free);
  require(pixels != nullptr);
  return {.pixels = at::from_blob(pixels.get(), {height, width, 3}, at::kByte).clone()};
}

}  // namespace secgan::detail
