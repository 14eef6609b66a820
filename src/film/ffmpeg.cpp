/// Films by FFmpeg, in a library of its own that the command loads when a film is asked for.

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/format.hpp"
#include "film/plugin.hpp"
#include "image/exif.hpp"
#include "secgan/core/error.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

namespace secgan {
namespace {

namespace fs = std::filesystem;

/// What free functions of FFmpeg take away.
template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* thing) const {
    if constexpr (std::is_invocable_v<decltype(Free), T**>) {
      Free(&thing);
    } else {
      Free(thing);
    }
  }
};
using Input = std::unique_ptr<AVFormatContext, Freed<&avformat_close_input>>;
using Output = std::unique_ptr<AVFormatContext, Freed<&avformat_free_context>>;
using Codec = std::unique_ptr<AVCodecContext, Freed<&avcodec_free_context>>;
using Packet = std::unique_ptr<AVPacket, Freed<&av_packet_free>>;
using Frame = std::unique_ptr<AVFrame, Freed<&av_frame_free>>;
using Scaler = std::unique_ptr<SwsContext, Freed<&sws_freeContext>>;

std::string reason(int code) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(code, text.data(), text.size());
  return text.data();
}

int check(int code, const fs::path& file, std::string_view what) {
  if (code < 0) throw Error(fmt::format("'{}' {}: {}", file.string(), what, reason(code)));
  return code;
}

/// As a file, whatever its name looks like to FFmpeg.
std::string address(const fs::path& file) { return "file:" + file.string(); }

/// The first error that a part of FFmpeg tells of and goes on behind: what it leaves out is seen nowhere else. FFmpeg's messages are the
/// process's, and go nowhere.
class Complaints {
 public:
  Complaints() {
    av_log_set_callback([](void* of, int level, const char* format, va_list arguments) {
      const auto* const kind = of == nullptr ? nullptr : *static_cast<const AVClass* const*>(of);
      const bool counts = listening_ != nullptr && listening_->empty() && level <= AV_LOG_ERROR && kind != nullptr;
      if (!counts || kind->class_name != part_) return;
      std::array<char, 256> text{};
      std::vsnprintf(text.data(), text.size(), format, arguments);
      *listening_ = text.data();
      listening_->erase(listening_->find_last_not_of("\n. ") + 1);
    });
  }
  /// What `work` gives; its complaint, or none, is in `first` then.
  /// @param part  whose: "AVFormatContext", the demuxer's, or "AVCodecContext"
  template <class Work>
  int during(std::string_view part, const Work& work, std::string& first) const {
    part_ = part;
    listening_ = &first;
    const int code = work();
    listening_ = nullptr;
    return code;
  }

 private:
  static thread_local std::string* listening_;
  static thread_local std::string_view part_;
};
thread_local std::string* Complaints::listening_ = nullptr;
thread_local std::string_view Complaints::part_;

Input open_film(const fs::path& file) {
  AVDictionary* rules = nullptr;
  // Nothing but this file: playlists and references to other files are no films.
  av_dict_set(&rules, "protocol_whitelist", "file", 0);
  av_dict_set(&rules, "format_whitelist", "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi", 0);
  AVFormatContext* opened = nullptr;
  const int code = avformat_open_input(&opened, address(file).c_str(), nullptr, &rules);
  av_dict_free(&rules);
  check(code, file, "cannot be read as a film");
  Input input(opened);
#if LIBAVFORMAT_VERSION_MAJOR < 61
  av_format_inject_global_side_data(input.get());  // turns; later versions hand them on by themselves
#endif
  check(avformat_find_stream_info(input.get(), nullptr), file, "cannot be read as a film");
  return input;
}

AVStream& picture_stream(const Input& input, const fs::path& file) {
  const int stream = av_find_best_stream(input.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (stream < 0) throw Error(fmt::format("'{}' is a film without pictures", file.string()));
  return *input->streams[stream];
}

/// HDTV's matrix where a film does not say which is its own and is as large as that; else SDTV's.
int matrix_of(int colorspace, int height) {
  constexpr int kFirstHd = 720;
  if (colorspace != AVCOL_SPC_UNSPECIFIED && colorspace != AVCOL_SPC_RGB) return colorspace;
  return height >= kFirstHd ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
}

/// How a frame lies, as EXIF numbers it; the way before where it says nothing: some decoders tell it once.
/// @return nullopt for a turn by other than quarters
std::optional<int> orientation_of(const AVFrame& frame, int before) {
  const AVFrameSideData* side = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX);
  if (side == nullptr) return before;
  // (x, y) is shown at (a x + c y, b x + d y), but for a shift.
  const auto* const matrix = reinterpret_cast<const int32_t*>(side->data);
  const double a = matrix[0], b = matrix[1], c = matrix[3], d = matrix[4];
  constexpr double kNone = 0.01;  // of the other entries: a turn by half a degree
  const double along = std::abs(a) + std::abs(d), across = std::abs(b) + std::abs(c);
  if (along == 0 && across == 0) return before;
  const auto numbered = [](int first, bool left_right, bool up_down) { return first + (left_right ? (up_down ? 2 : 1) : up_down ? 3 : 0); };
  if (across <= kNone * along) return numbered(1, a < 0, d < 0);
  if (along <= kNone * across) return numbered(5, c < 0, b < 0);
  return std::nullopt;
}

constexpr int64_t kMostPixels = 100'000'000;  // as pictures are read

/// Decodes the pictures of one film.
class Decoder {
 public:
  explicit Decoder(fs::path file) : file_(std::move(file)), input_(open_film(file_)), stream_(&picture_stream(input_, file_)) {
    const AVCodec* codec = avcodec_find_decoder(stream_->codecpar->codec_id);
    if (codec == nullptr)
      throw Error(
          fmt::format("'{}': its pictures are {}, which is not supported", file_.string(), avcodec_get_name(stream_->codecpar->codec_id)));
    codec_.reset(avcodec_alloc_context3(codec));
    check(avcodec_parameters_to_context(codec_.get(), stream_->codecpar), file_, "cannot be read as a film");
    codec_->max_pixels = kMostPixels;
    // Where frames are pictures by themselves, or kept to the bit, what costs pixels is an error, and is concealed if nobody asks. In
    // other films honest encoders make decoders complain.
    const AVCodecDescriptor* kind = avcodec_descriptor_get(codec->id);
    strict_ = kind != nullptr && ((kind->props & AV_CODEC_PROP_INTRA_ONLY) != 0 || (kind->props & AV_CODEC_PROP_LOSSY) == 0);
    if (strict_) codec_->err_recognition |= AV_EF_EXPLODE | AV_EF_CRCCHECK;
    check(avcodec_open2(codec_.get(), codec, nullptr), file_, "cannot be read as a film");
    for (size_t i = 0; i < input_->nb_streams; ++i) {
      if (input_->streams[i] != stream_) input_->streams[i]->discard = AVDISCARD_ALL;
    }
  }

  const AVStream& stream() const { return *stream_; }
  const AVFormatContext& input() const { return *input_; }

  /// The next frame as the codec gives it; null at the end.
  const AVFrame* next() {
    for (;;) {
      const int code = decoded([&] { return avcodec_receive_frame(codec_.get(), frame_.get()); });
      if (code == AVERROR_EOF) return nullptr;
      if (code != AVERROR(EAGAIN)) {
        check(code, file_, "is damaged");
        require_usable(*frame_);
        if (width_of(*frame_) > kMostPixels / frame_->height)
          throw Error(fmt::format("'{}': its frames are shown {} pixels wide and {} high, more than {} pixels", file_.string(),
                                  width_of(*frame_), frame_->height, kMostPixels));
        if (width_ == 0) width_ = frame_->width, height_ = frame_->height;
        if (frame_->width != width_ || frame_->height != height_)
          throw Error(fmt::format("'{}': its frames are of several sizes, {} x {} and {} x {}", file_.string(), width_, height_,
                                  frame_->width, frame_->height));
        return frame_.get();
      }
      std::string complaint;
      const int read = complaints_.during("AVFormatContext", [&] { return av_read_frame(input_.get(), packet_.get()); }, complaint);
      if (read != AVERROR_EOF) check(read, file_, "is damaged");
      if (!complaint.empty()) throw Error(fmt::format("'{}' is damaged: {}", file_.string(), complaint));
      if (read < 0) require_whole();
      const bool ours = read >= 0 && packet_->stream_index == stream_->index;
      if (ours && (packet_->flags & AV_PKT_FLAG_CORRUPT) != 0)
        throw Error(fmt::format("'{}' is truncated or damaged: a frame lacks a part of its bytes", file_.string()));
      if (ours || read < 0)
        check(decoded([&] { return avcodec_send_packet(codec_.get(), ours ? packet_.get() : nullptr); }), file_, "is damaged");
      av_packet_unref(packet_.get());
    }
  }

  /// As wide as it is shown, in pixels that are square.
  int64_t width_of(const AVFrame& frame) const {
    AVFrame* const asked = const_cast<AVFrame*>(&frame);  // NOLINT(cppcoreguidelines-pro-type-const-cast): read only
    const AVRational shape = av_guess_sample_aspect_ratio(input_.get(), stream_, asked);
    if (shape.num <= 0 || shape.den <= 0 || shape.num == shape.den) return frame.width;
    return 2 * std::max(std::llround(frame.width * av_q2d(shape) / 2), 1LL);
  }

  /// @return [3, H, W] uint8 RGB, upright
  at::Tensor picture(const AVFrame& frame) {
    if (frame.color_trc == AVCOL_TRC_SMPTE2084 || frame.color_trc == AVCOL_TRC_ARIB_STD_B67) {
      throw Error(fmt::format("'{}': its pictures are HDR ({}), which networks have not seen: convert it to SDR first", file_.string(),
                              av_color_transfer_name(frame.color_trc)));
    }
    const auto format = static_cast<AVPixelFormat>(frame.format);
    const auto width = static_cast<int>(width_of(frame));
    scaler_.reset(sws_getCachedContext(scaler_.release(), frame.width, frame.height, format, width, frame.height, AV_PIX_FMT_RGB24,
                                       SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, nullptr, nullptr, nullptr));
    if (!scaler_) throw Error(fmt::format("'{}': its pixels are of a kind that is not supported", file_.string()));
    const int* matrix = sws_getCoefficients(matrix_of(frame.colorspace, frame.height));
    sws_setColorspaceDetails(scaler_.get(), matrix, frame.color_range == AVCOL_RANGE_JPEG ? 1 : 0, matrix, 1, 0, 1 << 16, 1 << 16);
    at::Tensor pixels = at::empty({frame.height, width, 3}, at::kByte);
    uint8_t* const to = pixels.mutable_data_ptr<uint8_t>();
    const int row = 3 * width;
    check(sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, &to, &row), file_, "is damaged");
    orientation_ = orientation(frame);
    return detail::upright(pixels.permute({2, 0, 1}), orientation_).contiguous();
  }

  /// How a frame lies.
  int orientation(const AVFrame& frame) const {
    const std::optional<int> found = orientation_of(frame, orientation_);
    if (!found)
      throw Error(fmt::format("'{}': its pictures are shown turned, and not by quarters, which is not supported", file_.string()));
    return *found;
  }

 private:
  /// A step of the decoder's, whose complaints count where it is strict.
  int decoded(const auto& step) const {
    if (!strict_) return step();
    std::string complaint;
    const int code = complaints_.during("AVCodecContext", step, complaint);
    if (!complaint.empty()) throw Error(fmt::format("'{}' is damaged: {}", file_.string(), complaint));
    return code;
  }

  /// FFmpeg takes the end of the file for the end of the film.
  void require_whole() const {
    const int64_t size = avio_size(input_->pb);
    for (size_t s = 0; s < input_->nb_streams; ++s) {
      for (int i = 0; i < avformat_index_get_entries_count(input_->streams[s]); ++i) {
        const AVIndexEntry* const part = avformat_index_get_entry(input_->streams[s], i);
        if (part->pos > size - part->size)
          throw Error(fmt::format("'{}' is truncated: its index names what lies beyond its end", file_.string()));
      }
    }
  }

  /// Damage is what costs pixels, as in photos.
  void require_usable(const AVFrame& frame) const {
    constexpr int kDamage = FF_DECODE_ERROR_INVALID_BITSTREAM | FF_DECODE_ERROR_CONCEALMENT_ACTIVE | FF_DECODE_ERROR_DECODE_SLICES;
    if ((frame.decode_error_flags & kDamage) != 0 || (frame.flags & AV_FRAME_FLAG_CORRUPT) != 0)
      throw Error(fmt::format("'{}' is damaged: a frame lacks a part of its pixels", file_.string()));
  }

  bool strict_ = false;
  fs::path file_;
  Complaints complaints_;
  Input input_;
  AVStream* stream_;
  Codec codec_;
  Packet packet_{av_packet_alloc()};
  Frame frame_{av_frame_alloc()};
  Scaler scaler_;
  int width_ = 0, height_ = 0;
  int orientation_ = 1;
};

int64_t time_of(const AVFrame& frame) { return frame.best_effort_timestamp; }

int64_t length_of(const AVFrame& frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  return std::max<int64_t>(frame.duration, 0);
#else
  return std::max<int64_t>(frame.pkt_duration, 0);
#endif
}

/// Where a film's pictures end, in their units: as their stream says, or else the last one, or the film, which says it of all its streams.
int64_t end_of(const AVFormatContext& film, const AVStream& pictures, const FilmFrame& last) {
  const auto begin = [](int64_t time) { return time == AV_NOPTS_VALUE ? 0 : time; };
  if (const int64_t end = begin(pictures.start_time) + pictures.duration; pictures.duration > 0 && end > last.time) return end;
  if (last.length > 0 || film.nb_streams > 1 || film.duration <= 0) return last.time + last.length;
  return av_rescale_q(begin(film.start_time) + film.duration, AV_TIME_BASE_Q, pictures.time_base);
}

FilmFacts inspect(const fs::path& file, std::string& comment) {
  Decoder decoder(file);
  const AVFrame* const first = decoder.next();
  if (first == nullptr) throw Error(fmt::format("'{}' is a film without pictures", file.string()));
  const bool lying = decoder.orientation(*first) >= 5;
  const int64_t width = decoder.width_of(*first);
  FilmFacts facts{.width = lying ? first->height : width, .height = lying ? width : first->height};
  const AVStream& stream = decoder.stream();
  facts.frames = stream.nb_frames;
  if (facts.frames == 0 && decoder.input().duration > 0 && stream.avg_frame_rate.den > 0) {
    facts.frames = av_rescale(decoder.input().duration, stream.avg_frame_rate.num, int64_t{AV_TIME_BASE} * stream.avg_frame_rate.den);
  }
  if (const AVDictionaryEntry* told = av_dict_get(decoder.input().metadata, "comment", nullptr, 0); told != nullptr) comment = told->value;
  return facts;
}

void read(const fs::path& file, const std::function<bool(const FilmFrame& frame)>& use) {
  Decoder decoder(file);
  while (const AVFrame* frame = decoder.next()) {
    if (!use({decoder.picture(*frame), time_of(*frame), length_of(*frame)})) return;
  }
}

/// Begins with the first frame, whose size it takes.
class Encoder final : public detail::FilmEncoder {
 public:
  Encoder(fs::path into, fs::path named, fs::path like)
      : into_(std::move(into)), file_(std::move(named)), film_(std::move(like)), source_(open_film(film_)) {}
  ~Encoder() override {
    if (output_ && output_->pb != nullptr) avio_closep(&output_->pb);
  }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  void add(const FilmFrame& frame) override;
  FilmLosses finish(const std::string& comment) override;

 private:
  /// The encoder, once the first frame is there.
  void begin(const at::Tensor& picture) {
    const AVStream& like = picture_stream(source_, film_);
    const auto width = static_cast<int>(picture.size(2)), height = static_cast<int>(picture.size(1));
    AVFormatContext* opened = nullptr;
    check(avformat_alloc_output_context2(&opened, nullptr, "mp4", nullptr), file_, "cannot be written");
    output_.reset(opened);
    output_->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;  // FLAC in MP4, which players know by now
    const AVCodec* codec = avcodec_find_encoder_by_name("libx264");
    const bool plain = codec == nullptr;
    if (plain) codec = avcodec_find_encoder(AV_CODEC_ID_MPEG4);
    encoder_.reset(avcodec_alloc_context3(codec));
    encoder_->width = width;
    encoder_->height = height;
    // Colors at half the resolution, as players expect it, where the size allows it.
    const bool even = width % 2 == 0 && height % 2 == 0;
    if (!even && plain) throw Error(fmt::format("'{}': frames of {} x {} pixels need the encoder libx264", file_.string(), width, height));
    encoder_->pix_fmt = even ? AV_PIX_FMT_YUV420P : AV_PIX_FMT_YUV444P;
    encoder_->framerate = like.avg_frame_rate.num > 0 ? like.avg_frame_rate : AVRational{25, 1};
    // MPEG-4 counts no finer than 16 bits.
    encoder_->time_base = plain ? av_inv_q(encoder_->framerate) : like.time_base;
    encoder_->max_b_frames = 0;  // the last packet is the last frame's, whose length an MP4 can say then
    encoder_->colorspace = static_cast<AVColorSpace>(matrix_of(like.codecpar->color_space, height));
    encoder_->color_range = AVCOL_RANGE_MPEG;
    encoder_->color_primaries = like.codecpar->color_primaries;
    encoder_->color_trc = like.codecpar->color_trc;
    if ((output_->oformat->flags & AVFMT_GLOBALHEADER) != 0) encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (plain) {
      encoder_->flags |= AV_CODEC_FLAG_QSCALE;
      encoder_->global_quality = 2 * FF_QP2LAMBDA;
    } else {
      av_opt_set(encoder_->priv_data, "crf", "17", 0);  // nobody sees a loss
    }
    check(avcodec_open2(encoder_.get(), codec, nullptr), file_, "cannot be encoded");
    pictures_ = avformat_new_stream(output_.get(), nullptr);
    pictures_->time_base = encoder_->time_base;
    pictures_->avg_frame_rate = encoder_->framerate;
    check(avcodec_parameters_from_context(pictures_->codecpar, encoder_.get()), file_, "cannot be encoded");
    for (unsigned i = 0; i < source_->nb_streams; ++i) {
      const AVStream& stream = *source_->streams[i];
      sounds_.push_back(nullptr);
      const AVMediaType kind = stream.codecpar->codec_type;
      if (kind == AVMEDIA_TYPE_SUBTITLE) losses_.subtitles = true;
      const bool cover = (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
      if (kind == AVMEDIA_TYPE_VIDEO && &stream != &like && !cover) ++losses_.pictures;
      if (kind != AVMEDIA_TYPE_AUDIO) continue;
      if (avformat_query_codec(output_->oformat, stream.codecpar->codec_id, FF_COMPLIANCE_NORMAL) != 1) {
        ++losses_.sounds;
        continue;
      }
      AVStream* sound = sounds_.back() = avformat_new_stream(output_.get(), nullptr);
      check(avcodec_parameters_copy(sound->codecpar, stream.codecpar), file_, "cannot be written");
      sound->codecpar->codec_tag = 0;
      sound->time_base = stream.time_base;
      sound->disposition = stream.disposition;
      av_dict_copy(&sound->metadata, stream.metadata, 0);  // its language
    }
    sounds_ended_ = std::ranges::all_of(sounds_, [](const AVStream* sound) { return sound == nullptr; });
    check(avio_open(&output_->pb, address(into_).c_str(), AVIO_FLAG_WRITE), file_, "cannot be written");
    check(avformat_write_header(output_.get(), nullptr), file_, "cannot be written");
    frame_.reset(av_frame_alloc());
    frame_->format = encoder_->pix_fmt;
    frame_->width = width;
    frame_->height = height;
    check(av_frame_get_buffer(frame_.get(), 0), file_, "cannot be encoded");
    scaler_.reset(sws_getContext(width, height, AV_PIX_FMT_RGB24, width, height, encoder_->pix_fmt,
                                 SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP, nullptr, nullptr, nullptr));
    const int* matrix = sws_getCoefficients(encoder_->colorspace);
    sws_setColorspaceDetails(scaler_.get(), matrix, 1, matrix, 0, 0, 1 << 16, 1 << 16);
  }

  /// What the encoder has ready.
  void drain() {
    for (;;) {
      const int code = avcodec_receive_packet(encoder_.get(), packet_.get());
      if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
      check(code, file_, "cannot be encoded");
      packet_->stream_index = pictures_->index;
      av_packet_rescale_ts(packet_.get(), encoder_->time_base, pictures_->time_base);
      write_ready();
      av_packet_move_ref(ready_.get(), packet_.get());
    }
  }

  /// The packet before the one that is there: of the last one the length is not known yet.
  void write_ready() {
    if (ready_->size == 0) return;
    const int64_t until = ready_->dts;
    check(av_interleaved_write_frame(output_.get(), ready_.get()), file_, "cannot be written");
    copy_sounds(until);
  }

  /// Up to a time of the pictures, so that neither waits for the other.
  void copy_sounds(int64_t until) {
    while (!sounds_ended_) {
      if (held_->data == nullptr && av_read_frame(source_.get(), held_.get()) < 0) {
        sounds_ended_ = true;
        return;
      }
      // A film may name another track on the way: it is not copied.
      const auto from = static_cast<size_t>(held_->stream_index);
      AVStream* sound = from < sounds_.size() ? sounds_[from] : nullptr;
      if (sound == nullptr) {
        av_packet_unref(held_.get());
        continue;
      }
      const AVRational unit = source_->streams[from]->time_base;
      if (held_->dts != AV_NOPTS_VALUE && av_compare_ts(held_->dts, unit, until, pictures_->time_base) > 0) return;
      held_->stream_index = sound->index;
      av_packet_rescale_ts(held_.get(), unit, sound->time_base);
      held_->pos = -1;
      check(av_interleaved_write_frame(output_.get(), held_.get()), file_, "cannot be written");
      av_packet_unref(held_.get());
    }
  }

  fs::path into_, file_, film_;
  Input source_;  // for what the film says, and for its sounds
  Output output_;
  Codec encoder_;
  AVStream* pictures_ = nullptr;
  std::vector<AVStream*> sounds_;  // one for each of the source's streams; null: not copied
  Scaler scaler_;
  Frame frame_;
  Packet packet_{av_packet_alloc()}, held_{av_packet_alloc()}, ready_{av_packet_alloc()};
  int64_t last_ = INT64_MIN;  // the last frame's time, in the encoder's units
  FilmFrame shown_;           // its times as they were given
  FilmLosses losses_;
  bool sounds_ended_ = false;
};

void Encoder::add(const FilmFrame& frame) {
  if (!encoder_) begin(frame.picture);
  // Of one size in the file, and turned one way or the other.
  if (frame.picture.size(2) != encoder_->width || frame.picture.size(1) != encoder_->height) {
    throw Error(fmt::format("'{}': its frames are of several sizes, {} x {} and {} x {}", film_.string(), encoder_->width, encoder_->height,
                            frame.picture.size(2), frame.picture.size(1)));
  }
  const at::Tensor pixels = frame.picture.permute({1, 2, 0}).contiguous();
  const uint8_t* const from = pixels.const_data_ptr<uint8_t>();
  const int row = 3 * encoder_->width;
  check(av_frame_make_writable(frame_.get()), file_, "cannot be encoded");
  sws_scale(scaler_.get(), &from, &row, 0, encoder_->height, frame_->data, frame_->linesize);
  const AVRational unit = picture_stream(source_, film_).time_base;
  // Each later than the one before, whatever a damaged film says.
  const int64_t time = frame.time == AV_NOPTS_VALUE ? INT64_MIN : av_rescale_q(frame.time, unit, encoder_->time_base);
  last_ = std::max<int64_t>(time, last_ == INT64_MIN ? 0 : last_ + 1);
  shown_ = {{}, frame.time, frame.length};
  frame_->pts = last_;
  check(avcodec_send_frame(encoder_.get(), frame_.get()), file_, "cannot be encoded");
  drain();
}

FilmLosses Encoder::finish(const std::string& comment) {
  if (!encoder_) throw Error(fmt::format("'{}' is a film without pictures", film_.string()));
  check(avcodec_send_frame(encoder_.get(), nullptr), file_, "cannot be encoded");
  drain();
  if (const AVStream& like = picture_stream(source_, film_); shown_.time != AV_NOPTS_VALUE && ready_->size > 0) {
    const int64_t end = av_rescale_q(end_of(*source_, like, shown_), like.time_base, pictures_->time_base);
    if (end > ready_->pts) ready_->duration = end - ready_->pts;
  }
  write_ready();
  copy_sounds(INT64_MAX);
  // MP4's index, which holds it, is written last.
  if (!comment.empty()) av_dict_set(&output_->metadata, "comment", comment.c_str(), 0);
  check(av_write_trailer(output_.get()), file_, "cannot be written");
  check(avio_closep(&output_->pb), file_, "cannot be written");
  return losses_;
}

std::unique_ptr<detail::FilmEncoder> encode(const fs::path& into, const fs::path& named, const fs::path& like) {
  return std::make_unique<Encoder>(into, named, like);
}

}  // namespace
}  // namespace secgan

extern "C" __attribute__((visibility("default"))) const secgan::detail::FilmPlugin* secgan_film_plugin() {
  static const secgan::detail::FilmPlugin plugin{&secgan::inspect, &secgan::read, &secgan::encode};
  return &plugin;
}
