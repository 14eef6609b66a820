#include <ATen/ATen.h>
#include <png.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>
#include <optional>
#include <vector>

#include "core/format.hpp"
#include "image/color.hpp"
#include "image/exif.hpp"
#include "image/picture.hpp"
#include "image/provenance.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/image/image_file.hpp"

namespace secgan {
namespace {

using namespace std::string_view_literals;
using detail::Picture;

/// Most bytes that a compressed profile or text may become.
constexpr size_t kMostInflated = size_t{16} << 20;

uint32_t png_number(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

/// What a zlib stream holds; empty when it is damaged or holds too much.
std::string inflated(std::string_view bytes) {
  z_stream stream{};
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): zlib reads it only
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  if (inflateInit(&stream) != Z_OK) return {};
  std::string out;
  std::array<char, 1 << 14> block{};
  int status = Z_OK;
  while (status == Z_OK && out.size() < kMostInflated) {
    stream.next_out = reinterpret_cast<Bytef*>(block.data());
    stream.avail_out = static_cast<uInt>(block.size());
    status = inflate(&stream, Z_NO_FLUSH);
    out.append(block.data(), block.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  return status == Z_STREAM_END ? out : std::string();
}

std::string utf8_of_latin1(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto code = static_cast<uint8_t>(c);
    if (code < 0x80) {
      out += c;
    } else {
      out += {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
    }
  }
  return out;
}

/// Cuts off what stands before the next `end`, and that.
std::string_view png_word(std::string_view& bytes, char end = '\0') {
  const std::string_view word = bytes.substr(0, bytes.find(end));
  bytes.remove_prefix(std::min(word.size() + 1, bytes.size()));
  return word;
}

/// A file's chunks: those that make the picture, for libpng, and what hangs on it. A fault in the latter costs no pixel.
struct PngChunks {
  std::vector<std::string_view> picture;  ///< one behind the other, what lies side by side together
  std::string exif, xmp, profile;
  std::vector<std::pair<std::string, std::string>> texts;  ///< the first of each keyword that tells provenance
  std::optional<double> gamma;
  std::optional<detail::Chromaticities> chromaticities;
  bool srgb = false;
  std::array<uint8_t, 4> code_points{};  ///< cICP: primaries, transfer, matrix, range
  bool has_code_points = false;
  int64_t frames = 1;  ///< of an animation (acTL)
  bool complete = false;

  explicit PngChunks(std::string_view bytes) {
    add(bytes.substr(0, 8));
    bytes.remove_prefix(8);
    // 12 bytes of length, name and checksum beside the data.
    while (bytes.size() >= 12 && png_number(bytes, 0) <= bytes.size() - 12) {
      const size_t size = png_number(bytes, 0);
      const std::string_view name = bytes.substr(4, 4), data = bytes.substr(8, size), chunk = bytes.substr(0, size + 12);
      bytes.remove_prefix(chunk.size());
      if (critical(name)) {
        add(chunk);
        complete = name == "IEND";
        if (complete) return;
      } else if (wanted(name) &&
                 crc32(0, reinterpret_cast<const Bytef*>(name.data()), static_cast<uInt>(size + 4)) == png_number(chunk, size + 8)) {
        read(name, data);
      }
    }
    // Cut short. libpng gets what a picture can be made of; for anything else it would take the memory that 8 bytes ask for.
    if (bytes.size() >= 8 && critical(bytes.substr(4, 4))) add(bytes);
  }

 private:
  void add(std::string_view part) {
    if (!picture.empty() && picture.back().data() + picture.back().size() == part.data()) {
      picture.back() = {picture.back().data(), picture.back().size() + part.size()};
    } else {
      picture.push_back(part);
    }
  }

  static bool critical(std::string_view name) { return (static_cast<uint8_t>(name[0]) & 0x20u) == 0; }

  static bool wanted(std::string_view name) {
    constexpr std::array kNames{"eXIf"sv, "tEXt"sv, "zTXt"sv, "iTXt"sv, "iCCP"sv, "sRGB"sv, "gAMA"sv, "cHRM"sv, "cICP"sv, "acTL"sv};
    return std::ranges::find(kNames, name) != kNames.end();
  }

  void read(std::string_view name, std::string_view data) {
    if (name == "eXIf") {
      exif = data;
    } else if (name == "iCCP" && profile.empty()) {
      png_word(data);
      if (data.starts_with('\0')) profile = inflated(data.substr(1));
    } else if (name == "sRGB") {
      srgb = true;
    } else if (name == "gAMA" && data.size() == 4) {
      gamma = png_number(data, 0) / 1e5;
    } else if (name == "cHRM" && data.size() == 32) {
      chromaticities.emplace();
      for (size_t i = 0; i < 8; ++i) (*chromaticities)[i] = png_number(data, 4 * i) / 1e5;
    } else if (name == "cICP" && data.size() == 4) {
      has_code_points = true;
      std::ranges::copy(data, code_points.begin());
    } else if (name == "acTL" && data.size() == 8) {
      frames = std::max<int64_t>(png_number(data, 0), 1);
    } else if (name.ends_with("Xt")) {
      read_text(name, data);
    }
  }

  void read_text(std::string_view name, std::string_view data) {
    const std::string_view keyword = png_word(data);
    const bool is_xmp = keyword == detail::kXmpKeyword;
    const bool is_told = detail::is_provenance_keyword(keyword) && !told(keyword);
    if (!is_xmp && !is_told && keyword != "Raw profile type exif" && keyword != "Raw profile type APP1") return;
    bool compressed = name == "zTXt";
    if (name == "iTXt") {
      compressed = data.starts_with('\1');
      if (data.size() < 2) return;
      data.remove_prefix(1);
    }
    if (name != "tEXt") {
      if (!data.starts_with('\0')) return;  // the one way of compression
      data.remove_prefix(1);
    }
    if (name == "iTXt") {
      png_word(data);  // language
      png_word(data);  // the keyword in it
    }
    const std::string text = compressed ? inflated(data) : std::string(data);
    if (is_xmp) {
      xmp = text;
    } else if (is_told) {
      texts.emplace_back(keyword, name == "iTXt" ? text : utf8_of_latin1(text));
    } else if (exif.empty()) {
      read_raw_profile(text);
    }
  }

  bool told(std::string_view keyword) const {
    return std::ranges::any_of(texts, [&](const auto& text) { return text.first == keyword; });
  }

  /// ImageMagick's: an empty line, a name, a number of bytes, and hexadecimal digits in lines.
  void read_raw_profile(std::string_view text) {
    for (int line = 0; line < 3; ++line) png_word(text, '\n');
    std::string raw;
    int high = -1;
    for (const char c : text) {
      const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
      if (digit < 0) continue;
      if (high >= 0) raw += static_cast<char>(high << 4 | digit);
      high = high < 0 ? digit : -1;
    }
    (raw.starts_with("http://ns.adobe.com/xap/") ? xmp : exif) = raw;
  }
};

/// What libpng's callbacks share.
struct PngState {
  std::vector<std::string_view> parts;  ///< to read
  std::string out;                      ///< written
  std::string message;
  size_t made_up = 0;  ///< zeros in place of bytes behind the file's end
  std::jmp_buf jump{};

  /// libpng gives up by jumping back here: `calls` makes nothing that would have to be destroyed.
  bool attempt(const auto& calls) {
    if (setjmp(jump) != 0) return false;
    calls();
    return true;
  }
};

[[noreturn]] void png_fail(png_structp png, png_const_charp message) {
  auto& state = *static_cast<PngState*>(png_get_error_ptr(png));
  state.message = message;
  std::longjmp(state.jump, 1);
}

void png_ignore(png_structp, png_const_charp) {}

void png_read_bytes(png_structp png, png_bytep out, png_size_t count) {
  auto& state = *static_cast<PngState*>(png_get_io_ptr(png));
  while (count > 0) {
    while (!state.parts.empty() && state.parts.back().empty()) state.parts.pop_back();
    // libpng takes an IDAT's last bytes together, so that a picture whose checksums are cut off, zlib's and the chunk's, would lose lines.
    if (state.parts.empty() && (state.made_up += count) <= 8) {
      std::memset(out, 0, count);
      return;
    }
    if (state.parts.empty()) png_error(png, "the file ends too early");
    std::string_view& part = state.parts.back();
    const size_t taken = std::min(count, part.size());
    std::memcpy(out, part.data(), taken);
    part.remove_prefix(taken);
    out += taken;
    count -= taken;
  }
}

struct PngReader {
  PngState state;
  png_structp png;
  png_infop info;

  explicit PngReader(const PngChunks& chunks) {
    state.parts.assign(chunks.picture.rbegin(), chunks.picture.rend());
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, &png_fail, &png_ignore);
    info = png_create_info_struct(png);
    png_set_read_fn(png, &state, &png_read_bytes);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);      // check_pixels looks at both together
    png_set_option(png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);  // some writers declare a smaller window than they use
    if (!chunks.complete) png_set_option(png, PNG_IGNORE_ADLER32, PNG_OPTION_ON);
  }
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  [[noreturn]] void fail(const std::string& name) const {
    throw Error(fmt::format("'{}' is truncated or damaged: {}", name, state.message));
  }

  void read_header(const std::string& name) {
    if (!state.attempt([&] { png_read_info(png, info); })) fail(name);
    detail::check_pixels(png_get_image_width(png, info), png_get_image_height(png, info), name);
  }

  /// @return [H, W, channels]
  at::Tensor read_pixels(int64_t channels, const std::string& name) {
    const int64_t height = png_get_image_height(png, info), width = png_get_image_width(png, info);
    at::Tensor pixels = at::empty({height, width, channels}, at::kByte);
    auto* const first = pixels.mutable_data_ptr<uint8_t>();
    int passes = 1;
    const bool decoded = state.attempt([&] {
      passes = png_set_interlace_handling(png);
      png_read_update_info(png, info);
      for (int pass = 0; pass < passes; ++pass) {
        for (int64_t y = 0; y < height; ++y) png_read_row(png, first + y * width * channels, nullptr);
      }
    });
    // Checksums are looked at once every line is there. One that is wrong tells of damage; one that is cut off has cost nothing.
    const bool all_lines = decoded || (passes > 1 ? png_get_current_pass_number(png) == 7 : png_get_current_row_number(png) == height);
    const bool ended = decoded && state.attempt([&] { png_read_end(png, nullptr); });
    if (!ended && (!all_lines || state.made_up == 0)) fail(name);
    return pixels;
  }
};

/// The profile that the chunks amount to, the first of cICP, iCCP, sRGB, and gAMA with cHRM; empty for sRGB.
std::string png_profile(PngChunks& chunks, const std::string& name) {
  if (chunks.has_code_points) {  // ITU-T H.273
    const auto [primaries, transfer, matrix, range] = chunks.code_points;
    if (transfer == 16 || transfer == 18) {
      throw Error(
          fmt::format("'{}' is an HDR picture ({}), which is not supported: convert it to sRGB", name, transfer == 16 ? "PQ" : "HLG"));
    }
    constexpr std::array<std::pair<int, detail::Chromaticities>, 3> kPrimaries{{
        {1, detail::kSrgbChromaticities},
        {9, {0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046}},   // BT.2020
        {12, {0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060}},  // Display P3
    }};
    const auto* const found = std::ranges::find(kPrimaries, int{primaries}, [](const auto& entry) { return entry.first; });
    const double gamma = transfer == 8 ? 1 : transfer == 4 || transfer == 13 ? 1 / 2.2 : 0;
    if (found != kPrimaries.end() && gamma > 0) return detail::display_profile(gamma, found->second);
  }
  if (!chunks.profile.empty()) return std::move(chunks.profile);
  if (chunks.srgb) return {};
  return profile_of_gamma(chunks.gamma, chunks.chromaticities);
}

/// @param pixels [H, W, channels], 1 for ids of the palette, 3 for RGB
std::string write_png(const at::Tensor& pixels, const std::vector<std::array<uint8_t, 3>>& palette) {
  const int64_t channels = palette.empty() ? 3 : 1;
  PngState state;
  std::vector<png_color> colors;
  for (const auto& c : palette) colors.push_back({c[0], c[1], c[2]});
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): libpng takes rows to read as those to write
  auto* const first = const_cast<png_bytep>(pixels.const_data_ptr<uint8_t>());
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &state, &png_fail, &png_ignore);
  png_infop info = png_create_info_struct(png);
  const bool written = state.attempt([&] {
    png_set_write_fn(
        png, &state,
        [](png_structp p, png_bytep data, png_size_t count) {
          static_cast<PngState*>(png_get_io_ptr(p))->out.append(reinterpret_cast<char*>(data), count);
        },
        [](png_structp) {});
    png_set_IHDR(png, info, static_cast<png_uint_32>(pixels.size(1)), static_cast<png_uint_32>(pixels.size(0)), 8,
                 channels == 1 ? PNG_COLOR_TYPE_PALETTE : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (channels == 1) png_set_PLTE(png, info, colors.data(), static_cast<int>(colors.size()));
    png_write_info(png, info);
    for (int64_t y = 0; y < pixels.size(0); ++y) png_write_row(png, first + y * pixels.size(1) * channels);
    png_write_end(png, nullptr);
  });
  png_destroy_write_struct(&png, &info);
  if (!written) throw Error(fmt::format("PNG: {}", state.message));
  return std::move(state.out);
}

}  // namespace

detail::Picture detail::decode_png(std::string_view bytes, const std::string& name) {
  if (bytes.substr(0, 16).ends_with("CgBI")) {
    throw Error(fmt::format("'{}' is a PNG in Apple's own format for apps, which is not supported: save it as an ordinary PNG", name));
  }
  PngChunks chunks(bytes);
  PngReader reader(chunks);
  reader.read_header(name);
  Picture picture{.profile = png_profile(chunks, name),
                  .orientation = orientation(chunks.exif, chunks.xmp),
                  .xmp = std::move(chunks.xmp),
                  .pictures = chunks.frames,
                  .texts = std::move(chunks.texts)};
  if ((png_get_color_type(reader.png, reader.info) & PNG_COLOR_MASK_COLOR) == 0) picture.space = Picture::Space::kGray;
  const bool prepared = reader.state.attempt([&] {
    png_set_expand(reader.png);
    png_set_scale_16(reader.png);
    png_set_gray_to_rgb(reader.png);
    png_set_strip_alpha(reader.png);
  });
  if (!prepared) reader.fail(name);
  picture.pixels = reader.read_pixels(3, name);
  return picture;
}

at::Tensor detail::decode_png_ids(std::string_view bytes, const std::string& name, Palette* palette) {
  const PngChunks chunks(bytes);
  PngReader reader(chunks);
  reader.read_header(name);
  const int color = png_get_color_type(reader.png, reader.info);
  if (png_get_bit_depth(reader.png, reader.info) > 8 || (color != PNG_COLOR_TYPE_PALETTE && color != PNG_COLOR_TYPE_GRAY)) {
    throw Error(fmt::format("'{}' is not a mask: class ids are read from palette or 8-bit gray PNG", name));
  }
  png_color* colors = nullptr;
  int count = 0;
  if (palette != nullptr && png_get_PLTE(reader.png, reader.info, &colors, &count) != 0) {
    for (int i = 0; i < count; ++i) palette->push_back({colors[i].red, colors[i].green, colors[i].blue});
  }
  png_set_packing(reader.png);
  // As the photo that it belongs to.
  return upright(reader.read_pixels(1, name).permute({2, 0, 1}), orientation(chunks.exif, chunks.xmp))[0].contiguous();
}

std::string encode_png(const at::Tensor& image, const Provenance& made) {
  return detail::with_provenance(write_png(detail::interleaved(image), {}), made);
}

std::string encode_index_png(const at::Tensor& mask, const std::vector<std::array<uint8_t, 3>>& palette, const Provenance& made) {
  check_shape(mask, "mask", {kAny, kAny}, "[H, W]");
  if (mask.scalar_type() != at::kByte) throw InvalidArgument("mask must be uint8");
  if (mask.numel() == 0) throw InvalidArgument("mask must have pixels");
  const auto largest = mask.max().item<int64_t>();
  if (largest >= static_cast<int64_t>(palette.size())) {
    throw InvalidArgument(fmt::format("mask holds class id {}, the palette {} colors", largest, palette.size()));
  }
  return detail::with_provenance(write_png(mask.to(at::kCPU).contiguous(), palette), made);
}

}  // namespace secgan
