#include <ATen/ATen.h>
#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include <cmath>
#include <memory>

#include "core/format.hpp"
#include "image/exif.hpp"
#include "image/picture.hpp"
#include "image/provenance.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/image/image_file.hpp"

namespace secgan {
namespace detail {
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
  picture.pictures = WebPDemuxGetI(file.get(), WEBP_FF_FRAME_COUNT);
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

}  // namespace detail

namespace {

constexpr int kQuality = 90;        // of 100
constexpr int kLosslessEffort = 4;  // of 9

/// Bytes that libwebp gave, freed with it.
class WebpBytes {
 public:
  WebpBytes() { WebPDataInit(&data); }
  ~WebpBytes() { WebPDataClear(&data); }
  WebpBytes(const WebpBytes&) = delete;
  WebpBytes& operator=(const WebpBytes&) = delete;
  std::string text() const { return {reinterpret_cast<const char*>(data.bytes), data.size}; }
  WebPData data{};
};

std::string with_packet(const WebPData& encoded, const Provenance& made) {
  const std::unique_ptr<WebPMux, decltype(&WebPMuxDelete)> file(WebPMuxCreate(&encoded, /*copy_data=*/0), &WebPMuxDelete);
  const std::string packet = detail::packet_of(made);
  const WebPData chunk{reinterpret_cast<const uint8_t*>(packet.data()), packet.size()};
  WebpBytes out;
  if (!file || WebPMuxSetChunk(file.get(), "XMP ", &chunk, /*copy_data=*/0) != WEBP_MUX_OK ||
      WebPMuxAssemble(file.get(), &out.data) != WEBP_MUX_OK) {
    throw Error("the animation cannot be encoded: no memory for its provenance");
  }
  return out.text();
}

}  // namespace

std::string encode_animation(const std::vector<at::Tensor>& frames, double seconds, const Provenance& made, bool lossless) {
  if (frames.empty()) throw InvalidArgument("frames are empty: an animation shows at least one picture");
  if (!(seconds >= 0.001 && seconds <= 60)) throw InvalidArgument(fmt::format("seconds {} is not in [0.001, 60]", seconds));
  const int64_t height = frames.front().size(1), width = frames.front().size(2);
  if (std::max(height, width) > WEBP_MAX_DIMENSION) {
    throw InvalidArgument(
        fmt::format("frames are {} x {} pixels: an animated WebP has at most {} a side", width, height, WEBP_MAX_DIMENSION));
  }
  WebPAnimEncoderOptions options{};
  WebPConfig config{};
  WebPAnimEncoderOptionsInit(&options);
  WebPConfigInit(&config);
  config.quality = kQuality;
  if (lossless) WebPConfigLosslessPreset(&config, kLosslessEffort);
  const std::unique_ptr<WebPAnimEncoder, decltype(&WebPAnimEncoderDelete)> encoder(
      WebPAnimEncoderNew(static_cast<int>(width), static_cast<int>(height), &options), &WebPAnimEncoderDelete);
  if (!encoder) throw Error("the animation cannot be encoded: no memory");
  const auto failed = [&] { return Error(fmt::format("the animation cannot be encoded: {}", WebPAnimEncoderGetError(encoder.get()))); };
  const auto duration = static_cast<int>(std::lround(1000 * seconds));
  int time = 0;
  for (const at::Tensor& frame : frames) {
    check_shape(frame, "frame", {3, height, width}, "[3, H, W] of one size");
    const at::Tensor pixels = detail::interleaved(frame);
    WebPPicture picture{};
    WebPPictureInit(&picture);
    picture.width = static_cast<int>(width);
    picture.height = static_cast<int>(height);
    picture.use_argb = 1;
    const std::unique_ptr<WebPPicture, decltype(&WebPPictureFree)> owned(&picture, &WebPPictureFree);
    if (WebPPictureImportRGB(&picture, pixels.const_data_ptr<uint8_t>(), static_cast<int>(3 * width)) == 0 ||
        WebPAnimEncoderAdd(encoder.get(), &picture, time, &config) == 0) {
      throw failed();
    }
    time += duration;
  }
  WebpBytes out;
  if (WebPAnimEncoderAdd(encoder.get(), nullptr, time, nullptr) == 0 || WebPAnimEncoderAssemble(encoder.get(), &out.data) == 0)
    throw failed();
  return made.empty() ? out.text() : with_packet(out.data, made);
}

}  // namespace secgan
