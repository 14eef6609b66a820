#pragma once
/// Picture files that the library itself never writes, made with libpng and libjpeg directly.

#include <jpeglib.h>
#include <png.h>
#include <torch/torch.h>
#include <zlib.h>
#include <cstdio>  // jpeglib.h needs it first

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace secgan::testing {

struct PngSpec {
  uint32_t width = 0, height = 0;
  int bit_depth = 8;
  int color_type = PNG_COLOR_TYPE_RGB;
  int interlace = PNG_INTERLACE_NONE;
  std::vector<std::array<uint8_t, 3>> palette = {};
  std::vector<uint8_t> palette_alpha = {};
};

/// @param data  the rows as the file stores them, one after the other
inline std::string png_bytes(const PngSpec& spec, const std::vector<uint8_t>& data) {
  std::string out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &out,
      [](png_structp p, png_bytep bytes, png_size_t count) {
        static_cast<std::string*>(png_get_io_ptr(p))->append(reinterpret_cast<char*>(bytes), count);
      },
      [](png_structp) {});
  png_set_IHDR(png, info, spec.width, spec.height, spec.bit_depth, spec.color_type, spec.interlace, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  std::vector<png_color> colors;
  for (const auto& c : spec.palette) colors.push_back({c[0], c[1], c[2]});
  if (!colors.empty()) png_set_PLTE(png, info, colors.data(), static_cast<int>(colors.size()));
  if (!spec.palette_alpha.empty()) {
    png_set_tRNS(png, info, spec.palette_alpha.data(), static_cast<int>(spec.palette_alpha.size()), nullptr);
  }
  png_write_info(png, info);
  const size_t row_bytes = data.size() / spec.height;
  std::vector<png_bytep> rows;
  for (size_t y = 0; y < spec.height; ++y) rows.push_back(const_cast<png_bytep>(data.data()) + y * row_bytes);
  png_write_image(png, rows.data());
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return out;
}

/// @param configure  (info) after the defaults   @param line  (row) -> its pixels
template <class Configure, class Line>
std::string jpeg_bytes_of(JDIMENSION width, JDIMENSION height, int components, J_COLOR_SPACE space, const Configure& configure,
                          const Line& line) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = width;
  info.image_height = height;
  info.input_components = components;
  info.in_color_space = space;
  jpeg_set_defaults(&info);
  configure(info);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < height) {
    JSAMPROW row = line(info.next_scanline);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::string out(reinterpret_cast<char*>(buffer), size);
  jpeg_destroy_compress(&info);
  std::free(buffer);
  return out;
}

/// A flat JPEG of any color space: 1 component for gray, 4 for CMYK.
/// @param stored  the file's own, as JCS_YCCK for CMYK
inline std::string jpeg_bytes(uint32_t width, uint32_t height, int components, J_COLOR_SPACE space, uint8_t value,
                              J_COLOR_SPACE stored = JCS_UNKNOWN) {
  std::vector<uint8_t> line(static_cast<size_t>(width) * static_cast<size_t>(components), value);
  const auto configure = [&](jpeg_compress_struct& info) {
    if (stored != JCS_UNKNOWN) jpeg_set_colorspace(&info, stored);
  };
  return jpeg_bytes_of(width, height, components, space, configure, [&](JDIMENSION) { return line.data(); });
}

/// How scans are laid out and coded.
struct JpegSpec {
  bool progressive = false;
  bool arithmetic = false;
  int restart_interval = 0;  ///< in MCUs; 0 for none
};

/// @param image [3, H, W] uint8
inline std::string jpeg_bytes(const at::Tensor& image, const JpegSpec& spec) {
  const at::Tensor pixels = image.permute({1, 2, 0}).contiguous();
  const auto width = static_cast<JDIMENSION>(pixels.size(1)), height = static_cast<JDIMENSION>(pixels.size(0));
  const auto configure = [&](jpeg_compress_struct& info) {
    info.arith_code = spec.arithmetic ? TRUE : FALSE;
    info.restart_interval = static_cast<unsigned>(spec.restart_interval);
    if (spec.progressive) jpeg_simple_progression(&info);
  };
  return jpeg_bytes_of(width, height, 3, JCS_RGB, configure,
                       [&](JDIMENSION row) { return pixels.mutable_data_ptr<uint8_t>() + row * width * 3; });
}

inline std::string big_endian(uint32_t value, size_t bytes) {
  std::string out;
  for (size_t i = bytes; i-- > 0;) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

/// The JPEG with a segment behind its start.
inline std::string with_segment(const std::string& jpeg, uint8_t marker, const std::string& body) {
  return jpeg.substr(0, 2) + '\xff' + static_cast<char>(marker) + big_endian(static_cast<uint32_t>(body.size()) + 2, 2) + body +
         jpeg.substr(2);
}

inline std::string png_chunk(const std::string& name, const std::string& data) {
  const std::string body = name + data;
  const auto checksum = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<uint32_t>(data.size()), 4) + body + big_endian(static_cast<uint32_t>(checksum), 4);
}

/// The PNG with a chunk before its pixels, or behind them.
inline std::string with_chunk(const std::string& png, const std::string& chunk, bool behind = false) {
  const size_t at = png.find(behind ? "IEND" : "IDAT") - 4;
  return png.substr(0, at) + chunk + png.substr(at);
}

/// zlib's format
inline std::string deflated(const std::string& bytes) {
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  std::string out(size, '\0');
  compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uLong>(bytes.size()));
  out.resize(size);
  return out;
}

/// The JPEG with an EXIF segment that holds nothing but the orientation.
inline std::string with_orientation(const std::string& jpeg, uint8_t orientation, bool big_endian) {
  using namespace std::string_literals;
  const std::string tiff = big_endian
                               ? "MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"s + static_cast<char>(orientation) + "\0\0\0\0\0\0"s
                               : "II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"s + static_cast<char>(orientation) + "\0\0\0\0\0\0\0"s;
  return with_segment(jpeg, 0xe1, "Exif\0\0"s + tiff);
}

/// A smooth picture with different edges and channels: JPEG keeps it within a few levels. [3, H, W] uint8
inline at::Tensor gradient_picture(int64_t height, int64_t width) {
  const at::Tensor y = torch::arange(height, torch::kFloat).view({height, 1}) / static_cast<double>(height);
  const at::Tensor x = torch::arange(width, torch::kFloat).view({1, width}) / static_cast<double>(width);
  return torch::stack({(200 * x + 0 * y), (200 * y + 0 * x), (100 * x + 100 * y)}).add(20).to(torch::kByte);
}

}  // namespace secgan::testing
