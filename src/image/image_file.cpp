#include "secgan/image/image_file.hpp"

#include <ATen/ATen.h>
#include <jerror.h>
#include <jpeglib.h>
#include <png.h>
#include <cstdio>  // jpeglib.h needs it first

#include <algorithm>
#include <array>
#include <cctype>
#include <csetjmp>
#include <cstdlib>
#include <cstring>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/io/file.hpp"

namespace secgan {
namespace {

constexpr int64_t kMostPixels = 100'000'000;

/// What a decoder fills. It lives in the decoder's caller: a local that changes after setjmp is lost by longjmp.
struct Decoded {
  at::Tensor pixels;  ///< [H, W, 3] RGB or [H, W, 1] ids
  std::vector<png_bytep> rows;
  int orientation = 1;
  std::string refused;  ///< why the file was not decoded
};

std::string too_many_pixels(int64_t width, int64_t height, const std::string& file) {
  return fmt::format("'{}': {} x {} pixels are too many", file, width, height);
}

at::Tensor planes(const at::Tensor& interleaved) { return interleaved.permute({2, 0, 1}).contiguous(); }

at::Tensor interleaved(const at::Tensor& image) {
  check_shape(image, "image", {3, kAny, kAny}, "[3, H, W]");
  if (image.scalar_type() != at::kByte) throw InvalidArgument("image must be uint8");
  return image.detach().to(at::kCPU).permute({1, 2, 0}).contiguous();
}

// ---- JPEG -------------------------------------------------------------------------------------------------------

struct JpegErrors {
  jpeg_error_mgr base;
  std::jmp_buf jump;
  std::array<char, JMSG_LENGTH_MAX> message;
};

[[noreturn]] void jpeg_fail(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  info->err->format_message(info, errors->message.data());
  std::longjmp(errors->jump, 1);
}

/// libjpeg fills a truncated picture with gray and calls it a warning; here it is an error like any other. Warnings
/// that lose no pixel pass: cameras pad the end of the data and write odd version numbers.
void jpeg_warning(j_common_ptr info, int level) {
  const int code = info->err->msg_code;
  const bool harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM;
  if (level < 0 && !harmless) jpeg_fail(info);
}

jpeg_error_mgr* jpeg_errors(JpegErrors& errors) {
  jpeg_std_error(&errors.base);
  errors.base.error_exit = &jpeg_fail;
  errors.base.emit_message = &jpeg_warning;
  return &errors.base;
}

/// EXIF orientation 1 to 8 from the APP1 marker, 1 where it has none or is malformed.
int exif_orientation(const jpeg_decompress_struct& info) {
  for (const jpeg_marker_struct* marker = info.marker_list; marker != nullptr; marker = marker->next) {
    const uint8_t* data = marker->data;
    const size_t size = marker->data_length;
    if (marker->marker != JPEG_APP0 + 1 || size < 14 || std::memcmp(data, "Exif\0\0", 6) != 0) continue;
    data += 6;
    const size_t tiff = size - 6;
    const bool big = data[0] == 'M';
    const auto read16 = [&](size_t at) { return static_cast<uint32_t>(big ? data[at] << 8 | data[at + 1] : data[at + 1] << 8 | data[at]); };
    const auto read32 = [&](size_t at) { return big ? read16(at) << 16 | read16(at + 2) : read16(at + 2) << 16 | read16(at); };
    const size_t directory = read32(4);
    if (directory > tiff || tiff - directory < 2) return 1;
    const uint32_t entries = read16(directory);
    for (uint32_t i = 0; i < entries; ++i) {
      const size_t entry = directory + 2 + size_t{12} * i;
      if (entry + 12 > tiff) return 1;
      if (read16(entry) != 0x0112) continue;
      const uint32_t orientation = read16(entry + 8);
      return orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : 1;
    }
  }
  return 1;
}

/// @param image [3, H, W]
at::Tensor oriented(const at::Tensor& image, int orientation) {
  at::Tensor out = image;
  if (orientation >= 5) out = out.transpose(1, 2);
  // What is left after the transpose: which axes run backwards.
  const bool flip_rows = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const bool flip_columns = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  if (flip_rows) out = out.flip({1});
  if (flip_columns) out = out.flip({2});
  return out.contiguous();
}

void decode_jpeg(const std::string& bytes, const std::string& file, Decoded& out) {
  jpeg_decompress_struct info{};
  JpegErrors errors{};
  info.err = jpeg_errors(errors);
  if (setjmp(errors.jump) != 0) {
    jpeg_destroy_decompress(&info);
    throw Error(fmt::format("'{}' is truncated or damaged: {}", file, errors.message.data()));
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_save_markers(&info, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&info, TRUE);
  out.orientation = exif_orientation(info);
  if (info.num_components == 4) {
    out.refused = fmt::format("'{}' is a CMYK JPEG: convert it to RGB", file);
  } else if (static_cast<int64_t>(info.image_width) * info.image_height > kMostPixels) {
    out.refused = too_many_pixels(info.image_width, info.image_height, file);
  } else {
    info.out_color_space = JCS_RGB;
    jpeg_start_decompress(&info);
    out.pixels = at::empty({info.output_height, info.output_width, 3}, at::kByte);
    while (info.output_scanline < info.output_height) {
      JSAMPROW row = out.pixels.mutable_data_ptr<uint8_t>() + static_cast<int64_t>(info.output_scanline) * info.output_width * 3;
      jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
  }
  jpeg_destroy_decompress(&info);
}

// ---- PNG --------------------------------------------------------------------------------------------------------

struct PngSource {
  std::string_view bytes;
  size_t at = 0;
};

void png_read_bytes(png_structp png, png_bytep out, png_size_t count) {
  auto* source = static_cast<PngSource*>(png_get_io_ptr(png));
  if (source->bytes.size() - source->at < count) png_error(png, "the file ends too early");
  std::memcpy(out, source->bytes.data() + source->at, count);
  source->at += count;
}

struct PngErrors {
  std::string message;
};
[[noreturn]] void png_fail(png_structp png, png_const_charp message) {
  static_cast<PngErrors*>(png_get_error_ptr(png))->message = message;
  std::longjmp(png_jmpbuf(png), 1);
}
void png_ignore(png_structp, png_const_charp) {}

/// @param indices  the stored ids of a palette or gray picture; else RGB
void decode_png(const std::string& bytes, const std::string& file, bool indices, Decoded& out) {
  PngErrors errors;
  PngSource source{bytes};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &errors, &png_fail, &png_ignore);
  png_infop info = png_create_info_struct(png);
  if (setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_read_struct(&png, &info, nullptr);
    throw Error(fmt::format("'{}' is truncated or damaged: {}", file, errors.message));
  }
  png_set_read_fn(png, &source, &png_read_bytes);
  png_read_info(png, info);
  const int64_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
  const int color = png_get_color_type(png, info);
  if (indices && (png_get_bit_depth(png, info) > 8 || (color != PNG_COLOR_TYPE_PALETTE && color != PNG_COLOR_TYPE_GRAY))) {
    out.refused = fmt::format("'{}' is not a mask: class ids are read from palette or 8-bit gray PNG", file);
  } else if (width * height > kMostPixels) {
    out.refused = too_many_pixels(width, height, file);
  } else {
    if (indices) {
      png_set_packing(png);
    } else {
      png_set_expand(png);
      png_set_scale_16(png);
      png_set_gray_to_rgb(png);
      png_set_strip_alpha(png);
    }
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    const int64_t channels = indices ? 1 : 3;
    out.pixels = at::empty({height, width, channels}, at::kByte);
    for (int64_t y = 0; y < height; ++y) out.rows.push_back(out.pixels.mutable_data_ptr<uint8_t>() + y * width * channels);
    png_read_image(png, out.rows.data());
    png_read_end(png, nullptr);
  }
  png_destroy_read_struct(&png, &info, nullptr);
}

std::string write_png(const at::Tensor& pixels, int64_t channels, const std::vector<std::array<uint8_t, 3>>& palette) {
  PngErrors errors;
  std::string out;
  std::vector<png_bytep> rows;
  std::vector<png_color> colors;
  for (const auto& c : palette) colors.push_back({c[0], c[1], c[2]});
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): libpng takes rows to read as those to write
  auto* const first = const_cast<png_bytep>(pixels.const_data_ptr<uint8_t>());
  for (int64_t y = 0; y < pixels.size(0); ++y) rows.push_back(first + y * pixels.size(1) * channels);
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &errors, &png_fail, &png_ignore);
  png_infop info = png_create_info_struct(png);
  if (setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_write_struct(&png, &info);
    throw Error(fmt::format("PNG: {}", errors.message));
  }
  png_set_write_fn(
      png, &out,
      [](png_structp p, png_bytep data, png_size_t count) {
        static_cast<std::string*>(png_get_io_ptr(p))->append(reinterpret_cast<char*>(data), count);
      },
      [](png_structp) {});
  png_set_IHDR(png, info, static_cast<png_uint_32>(pixels.size(1)), static_cast<png_uint_32>(pixels.size(0)), 8,
               channels == 1 ? PNG_COLOR_TYPE_PALETTE : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  if (channels == 1) png_set_PLTE(png, info, colors.data(), static_cast<int>(colors.size()));
  png_write_info(png, info);
  png_write_image(png, rows.data());
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return out;
}

bool is_jpeg(const std::string& bytes) { return bytes.starts_with("\xff\xd8\xff"); }
bool is_png(const std::string& bytes) { return bytes.starts_with("\x89PNG\r\n\x1a\n"); }

}  // namespace

at::Tensor read_image(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  const std::string file = path.string();
  Decoded out;
  if (is_jpeg(bytes)) {
    decode_jpeg(bytes, file, out);
  } else if (is_png(bytes)) {
    decode_png(bytes, file, /*indices=*/false, out);
  } else {
    out.refused = fmt::format("'{}' is {}", file, bytes.empty() ? "empty" : "neither JPEG nor PNG");
  }
  if (!out.refused.empty()) throw Error(out.refused);
  return oriented(planes(out.pixels), out.orientation);
}

at::Tensor read_index_mask(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  if (!is_png(bytes)) throw Error(fmt::format("'{}' is {}", path.string(), bytes.empty() ? "empty" : "not a PNG"));
  Decoded out;
  decode_png(bytes, path.string(), /*indices=*/true, out);
  if (!out.refused.empty()) throw Error(out.refused);
  return out.pixels.squeeze(2);
}

std::string encode_png(const at::Tensor& image) { return write_png(interleaved(image), 3, {}); }

std::string encode_index_png(const at::Tensor& mask, const std::vector<std::array<uint8_t, 3>>& palette) {
  check_shape(mask, "mask", {kAny, kAny}, "[H, W]");
  if (mask.scalar_type() != at::kByte) throw InvalidArgument("mask must be uint8");
  if (mask.numel() > 0 && mask.max().item<int64_t>() >= static_cast<int64_t>(palette.size())) {
    throw InvalidArgument(fmt::format("mask holds class id {}, the palette {} colors", mask.max().item<int64_t>(), palette.size()));
  }
  return write_png(mask.contiguous(), 1, palette);
}

std::string encode_jpeg(const at::Tensor& image, int quality) {
  const at::Tensor pixels = interleaved(image);
  jpeg_compress_struct info{};
  JpegErrors errors{};
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  info.err = jpeg_errors(errors);
  if (setjmp(errors.jump) != 0) {
    jpeg_destroy_compress(&info);
    std::free(buffer);  // NOLINT(cppcoreguidelines-no-malloc): libjpeg's
    throw Error(fmt::format("JPEG: {}", errors.message.data()));
  }
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(pixels.size(1));
  info.image_height = static_cast<JDIMENSION>(pixels.size(0));
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  // Faces have sharp red lips: chroma at full resolution.
  info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): libjpeg reads it only
    JSAMPROW row = const_cast<JSAMPROW>(pixels.const_data_ptr<uint8_t>()) + static_cast<int64_t>(info.next_scanline) * info.image_width * 3;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::string out(reinterpret_cast<char*>(buffer), size);
  jpeg_destroy_compress(&info);
  std::free(buffer);  // NOLINT(cppcoreguidelines-no-malloc): libjpeg's
  return out;
}

void write_image(const std::filesystem::path& file, const at::Tensor& image) {
  std::string extension = file.extension().string();
  std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (extension == ".png") return write_file(file, encode_png(image));
  if (extension == ".jpg" || extension == ".jpeg") return write_file(file, encode_jpeg(image));
  throw InvalidArgument(fmt::format("'{}': pictures are written as .png, .jpg or .jpeg", file.string()));
}

void write_index_mask(const std::filesystem::path& file, const at::Tensor& mask, Labels labels) {
  write_file(file, encode_index_png(mask, class_palette(labels)));
}

at::Tensor colorize(const at::Tensor& mask, Labels labels) {
  check_shape(mask, "mask", {kAny, kAny}, "[H, W]");
  const auto& palette = class_palette(labels);
  at::Tensor table = at::empty({static_cast<int64_t>(palette.size()), 3}, at::kByte);
  std::memcpy(table.mutable_data_ptr<uint8_t>(), palette.data(), palette.size() * 3);
  const at::Tensor ids = mask.reshape(-1).to(at::kLong);
  if (ids.numel() > 0 && ids.max().item<int64_t>() >= table.size(0)) {
    throw InvalidArgument(fmt::format("mask holds class id {}, the label set {} classes", ids.max().item<int64_t>(), table.size(0)));
  }
  return planes(table.index_select(0, ids).view({mask.size(0), mask.size(1), 3}));
}

}  // namespace secgan
