#include <ATen/ATen.h>
#include <tiffio.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/format.hpp"
#include "image/exif.hpp"
#include "image/picture.hpp"
#include "secgan/core/error.hpp"

namespace secgan::detail {
using namespace std::string_view_literals;

namespace {

/// Most bytes that libtiff may ask for at once: those of 100 Mpixel of four channels of 16 bits.
constexpr tmsize_t kMostTiffBytes = 800'000'000;

struct TiffSource {
  std::string_view bytes;
  size_t at = 0;
  std::string problem;  ///< the first that libtiff told of
};

int tiff_problem(TIFF*, void* source, const char*, const char* format, va_list arguments) {
  std::array<char, 256> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  auto& problem = static_cast<TiffSource*>(source)->problem;
  if (problem.empty()) problem = text.data();
  return 1;
}

/// Of what fax, PackBits and libjpeg within TIFF only warn of: what costs pixels. Most warnings are of tags.
int tiff_warning(TIFF* tiff, void* source, const char* module, const char* format, va_list arguments) {
  constexpr std::array kCost{"Premature E"sv,       "Premature end"sv,  "Line length mismatch"sv,
                             "Corrupt JPEG data"sv, "PackBitsDecode"sv, "Discarding"sv};
  std::va_list again;
  va_copy(again, arguments);
  std::array<char, 256> text{};
  std::vsnprintf(text.data(), text.size(), format, again);
  va_end(again);
  const std::string_view said = text.data();
  const auto costs = [&](std::string_view words) { return said.find(words) != said.npos; };
  if (std::ranges::any_of(kCost, costs) && !costs("extraneous bytes")) tiff_problem(tiff, source, module, format, arguments);
  return 1;
}

using Tiff = std::unique_ptr<TIFF, decltype(&TIFFClose)>;

Tiff open_tiff(TiffSource& source) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(), &TIFFOpenOptionsFree);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMostTiffBytes);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), &tiff_problem, &source);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), &tiff_warning, &source);
  const auto read = [](thandle_t handle, void* out, tmsize_t count) -> tmsize_t {
    auto& [bytes, at, problem] = *static_cast<TiffSource*>(handle);
    const size_t taken = at < bytes.size() ? std::min(static_cast<size_t>(count), bytes.size() - at) : 0;
    std::memcpy(out, bytes.data() + std::min(at, bytes.size()), taken);
    at += taken;
    return static_cast<tmsize_t>(taken);
  };
  const auto write = [](thandle_t, void*, tmsize_t) -> tmsize_t { return 0; };
  const auto seek = [](thandle_t handle, toff_t offset, int from) -> toff_t {
    auto& [bytes, at, problem] = *static_cast<TiffSource*>(handle);
    at = offset + (from == SEEK_CUR ? at : from == SEEK_END ? bytes.size() : 0);
    return at;
  };
  const auto close = [](thandle_t) { return 0; };
  const auto size = [](thandle_t handle) -> toff_t { return static_cast<TiffSource*>(handle)->bytes.size(); };
  // "m": bytes are copied out, not mapped, as libtiff may turn them around where they are.
  return {TIFFClientOpenExt("picture", "rm", &source, read, write, seek, close, size, nullptr, nullptr, options.get()), &TIFFClose};
}

/// Behind the directory that is read, but for previews and masks of a page. What is damaged there costs the first picture nothing.
int64_t further_pages(TIFF* tiff) {
  constexpr int64_t kMost = 1000;
  int64_t pages = 0;
  while (pages < kMost && TIFFReadDirectory(tiff) == 1) {
    uint32_t kind = 0;
    TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &kind);
    if ((kind & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) == 0) ++pages;
  }
  return pages;
}

/// Whether the directory that is read is a sensor's, before colors are made of it.
bool is_raw(TIFF* tiff) {
  constexpr uint16_t kLinearRaw = 34892;  // DNG's
  uint16_t photometric = 0;
  TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
  return photometric == PHOTOMETRIC_CFA || photometric == kLinearRaw;
}

uint64_t pixels_of(TIFF* tiff) {
  uint32_t width = 0, height = 0;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
  return uint64_t{width} * height;
}

/// Whether the first directory is a small copy of what stands behind it, as in raw files of most cameras, whether it says so or not.
/// The first directory is read again at the end.
bool begins_with_preview(TIFF* tiff) {
  constexpr size_t kMost = 16;  // of a raw file's directories
  uint32_t role = 0;
  uint16_t count = 0;
  TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &role);
  if ((role & FILETYPE_REDUCEDIMAGE) != 0) return true;
  const uint64_t pixels = pixels_of(tiff);
  const toff_t* places = nullptr;
  std::vector<toff_t> below;
  if (TIFFGetField(tiff, TIFFTAG_SUBIFD, &count, &places) == 1) below.assign(places, places + std::min<size_t>(count, kMost));
  bool found = std::ranges::any_of(
      below, [&](toff_t place) { return TIFFSetSubDirectory(tiff, place) == 1 && (is_raw(tiff) || pixels_of(tiff) > pixels); });
  TIFFSetDirectory(tiff, 0);
  for (size_t page = 0; page < kMost && !found && TIFFReadDirectory(tiff) == 1; ++page) found = is_raw(tiff);
  TIFFSetDirectory(tiff, 0);
  return found;
}

/// The first strip or tile that has no place in the file: libtiff would take the file's head for its pixels, or leave them black.
std::optional<uint32_t> missing_strip(TIFF* tiff) {
  const uint32_t count = TIFFIsTiled(tiff) != 0 ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff);
  for (uint32_t i = 0; i < count; ++i)
    if (TIFFGetStrileOffset(tiff, i) == 0 || TIFFGetStrileByteCount(tiff, i) == 0) return i;
  return {};
}

/// Bytes of the pixels of one strip or tile.
uint64_t unpacked_size(TIFF* tiff, uint32_t strip) {
  if (TIFFIsTiled(tiff) != 0) return static_cast<uint64_t>(TIFFTileSize(tiff));
  uint32_t height = 0, rows = 0;
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &rows);
  rows = std::clamp(rows, 1u, height);
  const uint32_t of_a_plane = (height - 1) / rows + 1;
  return static_cast<uint64_t>(TIFFVStripSize(tiff, std::min(rows, height - strip % of_a_plane * rows)));
}

/// Whether a strip or tile of zlib's format has another check sum than its bytes, or more of them than pixels, at which libtiff does not
/// look. An end that is missing behind the last pixel passes, as it does there.
bool has_wrong_checksum(TIFF* tiff, std::string_view bytes) {
  const uint32_t count = TIFFIsTiled(tiff) != 0 ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff);
  std::array<Bytef, 65536> pixels{};
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t at = TIFFGetStrileOffset(tiff, i), size = TIFFGetStrileByteCount(tiff, i);
    if (at >= bytes.size()) continue;  // told when it is read
    const std::string_view packed = bytes.substr(at, size);
    z_stream stream{};
    if (inflateInit(&stream) != Z_OK) return false;
    const std::unique_ptr<z_stream, decltype(&inflateEnd)> ended(&stream, &inflateEnd);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): zlib reads it only
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));
    stream.avail_in = static_cast<uInt>(std::min<size_t>(packed.size(), std::numeric_limits<uInt>::max()));
    int result = Z_OK;
    while (result == Z_OK) {
      stream.next_out = pixels.data();
      stream.avail_out = static_cast<uInt>(pixels.size());
      result = inflate(&stream, Z_NO_FLUSH);
    }
    if (result == Z_DATA_ERROR || (result != Z_STREAM_END && stream.total_out > unpacked_size(tiff, i))) return true;
  }
  return false;
}

/// Gray of 8 or 16 bits, alpha behind it where libtiff knows it. Its own way cuts 16 bits off where it should round, and goes from row to
/// row of a tile that reaches beyond the picture by as many bytes as there are pixels, whatever a pixel takes.
template <class T>
void put_gray(TIFFRGBAImage* image, uint32_t* to, uint32_t, uint32_t, uint32_t width, uint32_t height, int32_t from_skew, int32_t to_skew,
              unsigned char* from) {
  const auto byte_at = [](const unsigned char* sample) {
    constexpr uint32_t kMost = std::numeric_limits<T>::max();
    T value = 0;
    std::memcpy(&value, sample, sizeof value);
    return (value * 255u + kMost / 2) / kMost;
  };
  constexpr uint32_t kOfEach = 0x010101, kOpaque = 255;
  const size_t pixel = sizeof(T) * image->samplesperpixel;
  const bool has_alpha = image->alpha != 0 && image->samplesperpixel > 1, white_is_0 = image->photometric == PHOTOMETRIC_MINISWHITE;
  for (uint32_t y = 0; y < height; ++y) {
    for (uint32_t x = 0; x < width; ++x, from += pixel) {
      const uint32_t gray = byte_at(from);
      *to++ = (has_alpha ? byte_at(from + sizeof(T)) : kOpaque) << 24 | kOfEach * (white_is_0 ? 255 - gray : gray);
    }
    from += static_cast<std::ptrdiff_t>(pixel) * from_skew;
    to += to_skew;
  }
}

/// Colors of pixels that were multiplied by their alpha, as they were before.
/// @param pixels [H, W, 4] uint8, alpha last
void divide_by_alpha(at::Tensor& pixels) {
  auto* const values = pixels.mutable_data_ptr<uint8_t>();
  for (int64_t i = 0; i < pixels.numel(); i += 4) {
    const int alpha = values[i + 3];
    if (alpha == 0) continue;
    for (int64_t c = i; c < i + 3; ++c) values[c] = static_cast<uint8_t>(std::min(255 * values[c] / alpha, 255));
  }
}

}  // namespace

Picture decode_tiff(std::string_view bytes, const std::string& name) {
  TiffSource source{bytes};
  const Tiff tiff = open_tiff(source);
  if (!tiff)
    throw Error(fmt::format("'{}' is truncated or damaged: {}", name, source.problem.empty() ? "no picture is in it" : source.problem));
  uint32_t width = 0, height = 0;
  if (is_raw(tiff.get())) throw Error(fmt::format("'{}' is a camera's raw photo: develop it, and save it as JPEG, PNG or TIFF", name));
  if (begins_with_preview(tiff.get())) {
    throw Error(fmt::format(
        "'{}' begins with a preview of its picture, as cameras' raw files do: develop it, and save it as JPEG, PNG or TIFF", name));
  }
  TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height);
  check_pixels(width, height, name);

  uint16_t photometric = PHOTOMETRIC_MINISBLACK, samples = 1, bits = 1, format = SAMPLEFORMAT_UINT, inks = INKSET_CMYK, turn = 0;
  TIFFGetField(tiff.get(), TIFFTAG_PHOTOMETRIC, &photometric);
  TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_SAMPLESPERPIXEL, &samples);
  TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_BITSPERSAMPLE, &bits);
  TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_SAMPLEFORMAT, &format);
  TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_INKSET, &inks);
  Picture picture;
  if (photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE) picture.space = Picture::Space::kGray;
  if (photometric == PHOTOMETRIC_SEPARATED && inks == INKSET_CMYK && samples >= 4) picture.space = Picture::Space::kCmyk;
  if ((photometric == PHOTOMETRIC_CIELAB || photometric == PHOTOMETRIC_ICCLAB) && samples >= 3 && bits == 8) {
    picture.space = Picture::Space::kLab;
  }
  uint32_t size = 0;
  const char* data = nullptr;
  if (TIFFGetField(tiff.get(), TIFFTAG_ICCPROFILE, &size, &data) == 1) picture.profile.assign(data, size);
  if (TIFFGetField(tiff.get(), TIFFTAG_XMLPACKET, &size, &data) == 1) picture.xmp.assign(data, size);
  if (TIFFGetField(tiff.get(), TIFFTAG_ORIENTATION, &turn) == 1) {
    picture.orientation = turn >= 1 && turn <= 8 ? turn : 1;
  } else {
    picture.orientation = xmp_orientation(picture.xmp).value_or(1);
  }

  // libtiff's own way to RGB mixes inks without a profile, takes Lab's white for another, and multiplies colors by alpha. Where it takes
  // the picture for RGB, and the fourth channel for one that it does not know, all four come as they are stored.
  uint16_t extra = 0, *kinds = nullptr;
  const bool multiplied =
      TIFFGetField(tiff.get(), TIFFTAG_EXTRASAMPLES, &extra, &kinds) == 1 && extra > 0 && kinds[0] == EXTRASAMPLE_ASSOCALPHA;
  const bool as_stored = picture.space == Picture::Space::kCmyk || picture.space == Picture::Space::kLab;
  if (as_stored) TIFFSetField(tiff.get(), TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
  if ((as_stored || photometric == PHOTOMETRIC_RGB) && samples > 3) {
    const std::vector<uint16_t> unknown(static_cast<size_t>(samples) - 3, EXTRASAMPLE_UNSPECIFIED);
    TIFFSetField(tiff.get(), TIFFTAG_EXTRASAMPLES, static_cast<int>(unknown.size()), unknown.data());
  }
  std::array<char, 1024> why{};
  TIFFRGBAImage image{};
  const auto unsupported = [&](std::string_view kind) {
    return Error(fmt::format("'{}' is a TIFF picture of a kind that is not supported: {}", name, kind));
  };
  uint16_t compression = COMPRESSION_NONE;
  TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_COMPRESSION, &compression);
  if (TIFFIsCODECConfigured(compression) == 0) throw unsupported(fmt::format("compression scheme {}", compression));
  if (format == SAMPLEFORMAT_INT) throw unsupported("signed samples");
  if (format == SAMPLEFORMAT_IEEEFP) throw unsupported("floating-point samples");
  // libtiff takes a palette's indices for gray where it has no colors for them.
  if (photometric != PHOTOMETRIC_PALETTE && tiff_number(bytes, TIFFTAG_PHOTOMETRIC) == PHOTOMETRIC_PALETTE)
    throw Error(fmt::format("'{}' is truncated or damaged: its palette is missing", name));
  if (const auto strip = missing_strip(tiff.get()))
    throw Error(fmt::format("'{}' is truncated or damaged: strip or tile {} of its pixels has no place in the file", name, *strip + 1));
  if ((compression == COMPRESSION_ADOBE_DEFLATE || compression == COMPRESSION_DEFLATE) && has_wrong_checksum(tiff.get(), bytes))
    throw Error(fmt::format("'{}' is truncated or damaged: the check sum of its pixels is another", name));
  if (bits > 16) throw unsupported(fmt::format("samples of {} bits", bits));
  if (photometric >= PHOTOMETRIC_CIELAB && photometric <= PHOTOMETRIC_ITULAB && picture.space != Picture::Space::kLab) {
    throw unsupported(photometric == PHOTOMETRIC_ITULAB ? "Lab colors of fax" : "Lab colors of other than 8 bits");
  }
  if (TIFFRGBAImageOK(tiff.get(), why.data()) == 0 || TIFFRGBAImageBegin(&image, tiff.get(), /*stop=*/1, why.data()) == 0) {
    throw unsupported(why.data());
  }
  const std::unique_ptr<TIFFRGBAImage, decltype(&TIFFRGBAImageEnd)> ended(&image, &TIFFRGBAImageEnd);
  if (picture.space == Picture::Space::kGray && image.isContig != 0 && bits >= 8)
    image.put.contig = bits == 8 ? &put_gray<uint8_t> : &put_gray<uint16_t>;
  if (photometric == PHOTOMETRIC_PALETTE && samples > 1 && TIFFIsTiled(tiff.get()) != 0)
    throw unsupported("a palette with alpha, in tiles");
  image.req_orientation = image.orientation;  // rows and columns as they are stored
  picture.pixels = at::empty({height, width, 4}, at::kByte);
  source.problem.clear();                                                                        // what was odd so far cost no pixel
  auto* const raster = reinterpret_cast<uint32_t*>(picture.pixels.mutable_data_ptr<uint8_t>());  // R first in memory
  if (TIFFRGBAImageGet(&image, raster, width, height) == 0 || !source.problem.empty()) {
    throw Error(fmt::format("'{}' is truncated or damaged: {}", name, source.problem));
  }
  if (multiplied && !as_stored) divide_by_alpha(picture.pixels);
  // CIELab's a* and b* are signed numbers, ICCLab's are counted from -128.
  if (photometric == PHOTOMETRIC_CIELAB) picture.pixels.slice(2, 1, 3).bitwise_xor_(0x80);
  picture.pictures += further_pages(tiff.get());
  return picture;
}

}  // namespace secgan::detail
