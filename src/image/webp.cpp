#include <ATen/ATen.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "core/format.hpp"
#include "image/exif.hpp"
#include "image/picture.hpp"
#include "secgan/core/error.hpp"

namespace secgan::detail {
namespace {

std::string webp_chunk(const WebPDemuxer* file, const char* name) {
  WebPChunkIterator chunk{};
  std::string out;
  if (WebPDemuxGetChunk(file, name, 1, &chunk) != 0) out.assign(reinterpret_cast<const char*>(chunk.chunk.bytes), chunk.chunk.size);
  WebPDemuxReleaseChunkIterator(&chunk);
  return out;
}

}  // namespace

Picture decode_webp(std::string_view bytes, const std::string& name) {
  const auto damaged = [&](std::string_view what) { return Error(fmt::format("'{}' is truncated or damaged: {}", name, what)); };
  const WebPData data{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  WebPDemuxState state{};
  // Partial: metadata that are cut off at the end cost no pixel.
  const std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)> file(WebPDemuxPartial(&data, &state), &WebPDemuxDelete);
  WebPIterator found{};
  const std::unique_ptr<WebPIterator, decltype(&WebPDemuxReleaseIterator)> frame(&found, &WebPDemuxReleaseIterator);
  if (!file || WebPDemuxGetFrame(file.get(), 1, &found) == 0) throw damaged("no picture in the WebP file");
  if (found.complete == 0) throw damaged("the file ends too early");
  const int64_t width = WebPDemuxGetI(file.get(), WEBP_FF_CANVAS_WIDTH), height = WebPDemuxGetI(file.get(), WEBP_FF_CANVAS_HEIGHT);
  check_pixels(width, height, name);
  if (found.x_offset < 0 || found.y_offset < 0 || found.x_offset + found.width > width || found.y_offset + found.height > height) {
    throw damaged("a frame leaves the picture");
  }

  Picture picture{.profile = webp_chunk(file.get(), "ICCP"), .xmp = webp_chunk(file.get(), "XMP ")};
  picture.orientation = orientation(webp_chunk(file.get(), "EXIF"), picture.xmp);
  // An animation's first frame may be a part of the picture; the rest is transparent black, and alpha is dropped.
  const bool whole = found.width == width && found.height == height;
  picture.pixels = whole ? at::empty({height, width, 3}, at::kByte) : at::zeros({height, width, 3}, at::kByte);
  const int64_t start = 3 * (found.y_offset * width + found.x_offset);
  uint8_t* const first = picture.pixels.mutable_data_ptr<uint8_t>() + start;
  if (WebPDecodeRGBInto(found.fragment.bytes, found.fragment.size, first, static_cast<size_t>(picture.pixels.numel() - start),
                        static_cast<int>(3 * width)) == nullptr) {
    throw damaged("the WebP data");
  }
  return picture;
}

}  // namespace secgan::detail
