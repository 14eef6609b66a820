#include "secgan/image/image_file.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <span>

#include "core/counted.hpp"
#include "core/dtype.hpp"
#include "core/format.hpp"
#include "image/color.hpp"
#include "image/exif.hpp"
#include "image/picture.hpp"
#include "image/provenance.hpp"
#include "image/row_bands.hpp"
#include "io/file_kind.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/names.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/io/file.hpp"

namespace secgan {
namespace {

using detail::FileKind;
using detail::Picture;

constexpr int64_t kMostPixels = 100'000'000;
constexpr int64_t kLongestSide = 1'000'000;
/// Most bytes of a picture's file: 100 Mpixel that are stored as they are, in four channels of 16 bits.
constexpr uint64_t kMostBytes = 1'000'000'000;

at::Tensor planes(const at::Tensor& interleaved) { return interleaved.narrow(2, 0, 3).permute({2, 0, 1}); }

/// [3, H, W], in any layout
at::Tensor shown(const Picture& picture) { return detail::upright(planes(detail::to_srgb(picture)), picture.orientation); }

at::Tensor photo(const Picture& picture) { return shown(picture).contiguous(); }

/// @param instead  what would be read; no help where the file itself is not there
[[noreturn]] void refuse(FileKind kind, const std::string& name, std::string_view instead) {
  const bool absent =
      kind == FileKind::kEmpty || kind == FileKind::kHtml || kind == FileKind::kGitLfsPointer || kind == FileKind::kGitAnnexPointer;
  throw Error(fmt::format("'{}' is {}{}", name, detail::describe(kind), absent ? "" : instead));
}

struct PhotoKind {
  FileKind kind;
  std::string_view name;
  Picture (*decode)(std::string_view bytes, const std::string& name);
};
constexpr std::array<PhotoKind, 5> kPhotoKinds{{{FileKind::kJpeg, "JPEG", &detail::decode_jpeg},
                                                {FileKind::kPng, "PNG", &detail::decode_png},
                                                {FileKind::kWebp, "WebP", &detail::decode_webp},
                                                {FileKind::kTiff, "TIFF", &detail::decode_tiff},
                                                {FileKind::kBmp, "BMP", &detail::decode_bmp}}};

const PhotoKind& photo_kind(std::string_view bytes, const std::string& name) {
  const FileKind kind = detail::file_kind(bytes);
  const auto* const found = std::ranges::find(kPhotoKinds, kind, &PhotoKind::kind);
  if (found == kPhotoKinds.end()) refuse(kind, name, "; photos are read from JPEG, PNG, WebP, TIFF and BMP");
  return *found;
}

/// As bundles and exports are written.
void write_with_folders(const std::filesystem::path& file, std::string_view bytes) {
  if (file.has_parent_path()) make_folder(file.parent_path());
  write_file(file, bytes);
}

}  // namespace

void detail::check_pixels(int64_t width, int64_t height, const std::string& name) {
  if (width <= 0 || height <= 0) throw Error(fmt::format("'{}' is truncated or damaged: {} x {} pixels", name, width, height));
  if (width > kLongestSide || height > kLongestSide || width * height > kMostPixels) {
    throw Error(fmt::format("'{}': {} x {} pixels are too many: at most 100 million are read", name, width, height));
  }
}

at::Tensor detail::interleaved(const at::Tensor& image) {
  check_shape(image, "image", {3, kAny, kAny}, "[3, H, W]");
  if (image.scalar_type() != at::kByte) throw InvalidArgument(fmt::format("image must be uint8, found {}", dtype_name(image)));
  if (image.is_meta()) throw InvalidArgument("image must hold values, found a tensor of the device meta");
  if (image.numel() == 0) throw InvalidArgument(fmt::format("image must have pixels, found {} x {}", image.size(2), image.size(1)));
  return image.detach().to(at::kCPU).permute({1, 2, 0}).contiguous();
}

ReadPhoto decode_photo(std::string_view bytes, const std::string& name) {
  const Picture picture = photo_kind(bytes, name).decode(bytes, name);
  return {photo(picture), picture.pictures};
}

at::Tensor decode_image(std::string_view bytes, const std::string& name) { return decode_photo(bytes, name).image; }

at::Tensor read_image(const std::filesystem::path& path) { return read_photo(path).image; }

at::Tensor detail::read_image_as_decoded(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, kMostBytes), name = path.string();
  return shown(photo_kind(bytes, name).decode(bytes, name));
}

ReadPhoto read_photo(const std::filesystem::path& path) { return decode_photo(read_file(path, kMostBytes), path.string()); }

PictureFacts inspect_image_bytes(std::string_view bytes, const std::string& name) {
  const PhotoKind& kind = photo_kind(bytes, name);
  const Picture picture = kind.decode(bytes, name);
  const bool lying = picture.orientation >= 5;
  return {.kind = std::string(kind.name),
          .width = picture.pixels.size(lying ? 0 : 1),
          .height = picture.pixels.size(lying ? 1 : 0),
          .bytes = std::ssize(bytes),
          .pictures = picture.pictures,
          .provenance = detail::provenance_of(picture)};
}

PictureFacts inspect_image(const std::filesystem::path& path) { return inspect_image_bytes(read_file(path, kMostBytes), path.string()); }

at::Tensor photo_from_pixels(const at::Tensor& pixels, std::string_view profile, int orientation) {
  check_shape(pixels, "pixels", {kAny, kAny, kAny}, "[H, W, C]");
  if (pixels.scalar_type() != at::kByte) throw InvalidArgument(fmt::format("pixels must be uint8, found {}", dtype_name(pixels)));
  const int64_t channels = pixels.size(2);
  if (channels != 1 && channels != 3 && channels != 4) {
    throw InvalidArgument(fmt::format("pixels must have 1, 3 or 4 channels (gray, RGB, CMYK), found {}", channels));
  }
  if (pixels.numel() == 0) throw InvalidArgument(fmt::format("pixels must be there, found {} x {}", pixels.size(1), pixels.size(0)));
  using enum Picture::Space;
  // A copy: colors are converted in place.
  return photo({.pixels = channels == 1 ? pixels.expand({-1, -1, 3}).contiguous() : pixels.clone(at::MemoryFormat::Contiguous),
                .space = channels == 1   ? kGray
                         : channels == 3 ? kRgb
                                         : kCmyk,
                .profile = std::string(profile),
                .orientation = orientation});
}

std::string profile_of_gamma(const std::optional<double>& gamma, const std::optional<std::array<double, 8>>& chromaticities) {
  return detail::display_profile(gamma.value_or(1 / 2.2), chromaticities.value_or(detail::kSrgbChromaticities));
}

namespace {

at::Tensor read_ids(const std::filesystem::path& path, detail::Palette* palette) {
  const std::string bytes = read_file(path, kMostBytes);
  const FileKind kind = detail::file_kind(bytes);
  if (kind != FileKind::kPng) refuse(kind, path.string(), "; masks are read from PNG");
  return detail::decode_png_ids(bytes, path.string(), palette);
}

}  // namespace

at::Tensor read_index_mask(const std::filesystem::path& path) { return read_ids(path, nullptr); }

at::Tensor detail::read_index_mask(const std::filesystem::path& path, Labels labels) {
  Palette palette;
  const at::Tensor ids = read_ids(path, &palette);
  const auto begins_with = [&](Labels set) {
    const Palette& colors = class_palette(set);
    return palette.size() >= colors.size() && std::ranges::equal(colors, std::span(palette).first(colors.size()));
  };
  for (const auto& [name, set] : kLabelSets) {
    if (set == labels || begins_with(labels) || !begins_with(set)) continue;
    throw Error(fmt::format("'{}' has the colors of {} and is to be read as {}: say which it is (--mask-labels {}, mask_labels)",
                            path.string(), name, name_of(kLabelSets, labels), name));
  }
  return ids;
}

void write_image(const std::filesystem::path& file, const at::Tensor& image, const Provenance& made) {
  std::string extension = file.extension().string();
  std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (extension == ".png") return write_with_folders(file, encode_png(image, made));
  if (extension == ".jpg" || extension == ".jpeg") return write_with_folders(file, encode_jpeg(image, kJpegQuality, made));
  throw InvalidArgument(fmt::format("'{}': pictures are written as .png, .jpg or .jpeg", file.string()));
}

void write_index_mask(const std::filesystem::path& file, const at::Tensor& mask, Labels labels) {
  write_with_folders(file, encode_index_png(mask, class_palette(labels)));
}

at::Tensor colorize(const at::Tensor& mask, Labels labels) {
  check_shape(mask, "mask", {kAny, kAny}, "[H, W]");
  const auto& palette = class_palette(labels);
  at::Tensor table = at::empty({static_cast<int64_t>(palette.size()), 3}, at::kByte);
  std::memcpy(table.mutable_data_ptr<uint8_t>(), palette.data(), palette.size() * 3);
  if (mask.numel() > 0 && mask.max().item<int64_t>() >= table.size(0)) {
    throw InvalidArgument(
        fmt::format("mask holds class id {}, the label set {}", mask.max().item<int64_t>(), counted(table.size(0), "class", "classes")));
  }
  at::Tensor out = at::empty({3, mask.size(0), mask.size(1)}, at::kByte);
  each_band(mask.size(0), mask.size(1), [&](int64_t first, int64_t rows) {
    const at::Tensor ids = mask.narrow(0, first, rows).reshape(-1).to(at::kInt);
    out.narrow(1, first, rows).copy_(planes(table.index_select(0, ids).view({rows, mask.size(1), 3})));
  });
  return out;
}

}  // namespace secgan
