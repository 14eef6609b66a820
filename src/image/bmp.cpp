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

uint16_t little_endian(std::string_view bytes, size_t at) {
  return at + 1 < bytes.size() ? static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) | static_cast<uint8_t>(bytes[at + 1]) << 8) : 0;
}

/// Of pixels that are stored one by one, as all are that stb_image reads: rows of whole groups of four bytes.
uint64_t stored_bytes(std::string_view bytes, uint64_t width, uint64_t height) {
  const bool early = little_endian(bytes, 14) == 12;  // the header of OS/2
  return (width * little_endian(bytes, early ? 24 : 28) + 31) / 32 * 4 * height;
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
  source = {bytes};
  // Told before millions of pixels are made of nothing.
  source.ended_early = stored_bytes(bytes, static_cast<uint64_t>(width), static_cast<uint64_t>(rows)) > bytes.size();
  require(true);
  const std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> pixels(
      stbi_load_from_callbacks(&kBmpCallbacks, &source, &width, &height, &channels, 3), &stbi_image_free);
  require(pixels != nullptr);
  return {.pixels = at::from_blob(pixels.get(), {height, width, 3}, at::kByte).clone()};
}

}  // namespace secgan::detail
