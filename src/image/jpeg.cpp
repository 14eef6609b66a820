#include <ATen/ATen.h>

#include <cstdio>  // before jpeglib.h, which needs it

#include <jpeglib.h>

#include <jerror.h>  // behind jpeglib.h, whose settings its numbers depend on

#include <array>
#include <csetjmp>
#include <cstdlib>
#include <memory>

#include "core/format.hpp"
#include "image/exif.hpp"
#include "image/picture.hpp"
#include "image/provenance.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/image_file.hpp"

namespace secgan {
namespace {

using namespace std::string_view_literals;

/// Samples that all scans of a picture may visit together: ten scans of 100 Mpixel take 1.6 of it, in a second or two.
constexpr int64_t kMostScanned = 2'000'000'000;
constexpr int kMostScans = 1000;

/// What libjpeg's callbacks share. They find it through `client_data`.
struct JpegState {
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf jump{};
  std::array<char, JMSG_LENGTH_MAX> message{};
  bool doubtful = false;    ///< whether the coefficients are all there is to be seen at the end
  int scan = 0;             ///< the last one that was met
  int64_t scanned = 0;      ///< samples of all scans
  unsigned components = 0;  ///< a bit for each that a scan was met for
  bool too_much = false;

  /// libjpeg gives up by jumping back here: `calls` makes nothing that would have to be destroyed.
  bool attempt(const auto& calls) {
    if (setjmp(jump) != 0) return false;
    calls();
    return true;
  }
};

JpegState& jpeg_state(j_common_ptr info) { return *static_cast<JpegState*>(info->client_data); }

[[noreturn]] void jpeg_fail(j_common_ptr info) {
  JpegState& state = jpeg_state(info);
  info->err->format_message(info, state.message.data());
  std::longjmp(state.jump, 1);
}

/// Whether a scan gives further bits of a coefficient whose bits before them no scan gave. A scan that comes twice is told in the same
/// words, and one of frequencies before that of the mean, with the mean's place, 0.
bool refines_what_is_missing(j_common_ptr common) {
  const auto* const info = reinterpret_cast<j_decompress_ptr>(common);
  const auto [component, coefficient] = std::pair(common->err->msg_parm.i[0], common->err->msg_parm.i[1]);
  const bool before_mean = info->Ss > 0 && coefficient == 0;
  const int bits_missing = info->coef_bits[component][coefficient];  // -1: all
  return info->Ah > 0 && !before_mean && (bits_missing < 0 || bits_missing > info->Ah);
}

/// libjpeg fills what is missing with gray and calls it a warning; here it is an error like any other. Warnings that lose no pixel pass.
void jpeg_warning(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_ICC:
    case JWRN_EXTRANEOUS_DATA:  // padding before a marker
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL: return;  // a scan's parameters that sequential decoding has no use for
    case JWRN_BOGUS_PROGRESSION:
      if (refines_what_is_missing(info)) jpeg_fail(info);
      [[fallthrough]];                                             // scans in an odd order, or twice
    case JWRN_JPEG_EOF: jpeg_state(info).doubtful = true; return;  // the end marker may be all that is missing
    default: jpeg_fail(info);
  }
}

/// Called while scans are collected, often enough to see each.
void jpeg_watch_scans(j_common_ptr common) {
  JpegState& state = jpeg_state(common);
  auto* const info = reinterpret_cast<j_decompress_ptr>(common);
  if (info->input_scan_number == state.scan) return;
  state.scan = info->input_scan_number;
  for (int i = 0; i < info->comps_in_scan; ++i) {
    const jpeg_component_info& component = *info->cur_comp_info[i];
    state.components |= 1u << static_cast<unsigned>(component.component_index);
    state.scanned += int64_t{DCTSIZE2} * component.width_in_blocks * component.height_in_blocks;
  }
  if (state.scanned <= kMostScanned && state.scan <= kMostScans) return;
  state.too_much = true;
  std::longjmp(state.jump, 1);
}

struct JpegReader {
  JpegState state;
  jpeg_decompress_struct info{};
  bool several_scans = false;

  JpegReader() = default;
  ~JpegReader() { jpeg_destroy_decompress(&info); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  /// What libjpeg found that is no fault of the file; empty where it is one.
  std::string_view unsupported() const {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-union-access): libjpeg's own
    const int number = info.err->msg_parm.i[0];
    switch (info.err->msg_code) {
      case JERR_BAD_PRECISION: return number == 12 ? "a 12-bit JPEG" : number == 16 ? "a 16-bit JPEG" : "";
      case JERR_SOF_UNSUPPORTED: return number == 0xc3 || number == 0xcb ? "a lossless JPEG" : "a hierarchical JPEG";
      case JERR_UNKNOWN_MARKER: return number == 0xf7 ? "a JPEG-LS picture" : "";
      case JERR_CONVERSION_NOTIMPL: return "a JPEG whose channels are not gray, RGB or CMYK";
      default: return "";
    }
  }

  [[noreturn]] void fail(const std::string& name) const {
    if (state.too_much) {
      throw Error(fmt::format("'{}': {} scans of {} x {} pixels are too many", name, state.scan, info.image_width, info.image_height));
    }
    if (const auto kind = unsupported(); !kind.empty()) {
      throw Error(fmt::format("'{}' is {}, which is not supported: save it as an ordinary 8-bit JPEG or as PNG", name, kind));
    }
    throw Error(fmt::format("'{}' is truncated or damaged: {}", name, state.message.data()));
  }

  /// Whether every coefficient arrived, after a file that ended early or whose scans are in an odd order.
  bool complete() const {
    if (!several_scans) return info.arith_code == FALSE;  // Huffman's missing bits are an error of their own
    if (info.arith_code == TRUE || info.progressive_mode == FALSE) return false;
    return !any_coefficient([](int bits_missing) { return bits_missing != 0; });
  }

  /// Whether a scan left bits of a coefficient to later ones, which did not come.
  bool lacks_bits() const {
    return info.progressive_mode == TRUE && any_coefficient([](int bits_missing) { return bits_missing > 0; });
  }

 private:
  /// @param has  of what is missing of one, in bits; -1: no scan was of it
  bool any_coefficient(const auto& has) const {
    for (int c = 0; c < info.num_components; ++c)
      if (std::ranges::any_of(info.coef_bits[c], has)) return true;
    return false;
  }
};

/// What APP1 holds: EXIF, which may go on in further segments, and XMP.
struct JpegMetadata {
  std::string exif;
  std::string_view xmp;
};

JpegMetadata jpeg_metadata(const jpeg_decompress_struct& info) {
  JpegMetadata out;
  for (const jpeg_marker_struct* marker = info.marker_list; marker != nullptr; marker = marker->next) {
    if (marker->marker != JPEG_APP0 + 1) continue;
    const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (data.starts_with("Exif\0\0"sv)) {
      out.exif += out.exif.empty() ? data : data.substr(6);
    } else if (data.starts_with(detail::kXmpSegment) && out.xmp.empty()) {
      out.xmp = data.substr(detail::kXmpSegment.size());
    }
  }
  return out;
}

}  // namespace

detail::Picture detail::decode_jpeg(std::string_view bytes, const std::string& name) {
  JpegReader reader;
  JpegState& state = reader.state;
  jpeg_decompress_struct& info = reader.info;
  info.err = jpeg_std_error(&state.errors);
  state.errors.error_exit = &jpeg_fail;
  state.errors.emit_message = &jpeg_warning;
  state.progress.progress_monitor = &jpeg_watch_scans;
  info.client_data = &state;
  JOCTET* profile = nullptr;
  unsigned profile_size = 0;
  const bool headed = state.attempt([&] {
    jpeg_create_decompress(&info);
    info.progress = &state.progress;
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_save_markers(&info, JPEG_APP0 + 1, 0xffff);
    jpeg_save_markers(&info, JPEG_APP0 + 2, 0xffff);
    jpeg_read_header(&info, TRUE);
    jpeg_read_icc_profile(&info, &profile, &profile_size);
    reader.several_scans = jpeg_has_multiple_scans(&info) != FALSE;
  });
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): libjpeg's
  const std::unique_ptr<JOCTET, decltype(&std::free)> freed(profile, &std::free);
  if (!headed) reader.fail(name);
  check_pixels(info.image_width, info.image_height, name);

  const JpegMetadata metadata = jpeg_metadata(info);
  Picture picture{.orientation = orientation(metadata.exif, metadata.xmp), .xmp = std::string(metadata.xmp)};
  if (profile != nullptr) picture.profile.assign(reinterpret_cast<const char*>(profile), profile_size);
  const bool cmyk = info.num_components == 4;
  picture.space = cmyk ? Picture::Space::kCmyk : info.num_components == 1 ? Picture::Space::kGray : Picture::Space::kRgb;
  info.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  const int64_t channels = cmyk ? 4 : 3;
  picture.pixels = at::empty({info.image_height, info.image_width, channels}, at::kByte);
  auto* const first = picture.pixels.mutable_data_ptr<uint8_t>();
  // What stands behind the last line is nobody's loss: the rest is not looked at.
  const bool decoded = state.attempt([&] {
    jpeg_start_decompress(&info);
    while (info.output_scanline < info.output_height) {
      JSAMPROW row = first + int64_t{info.output_scanline} * info.output_width * channels;
      jpeg_read_scanlines(&info, &row, 1);
    }
  });
  if (!decoded) reader.fail(name);
  const bool all_components = !reader.several_scans || state.components == (1u << static_cast<unsigned>(info.num_components)) - 1;
  if (!all_components || reader.lacks_bits() || (state.doubtful && !reader.complete())) {
    throw Error(fmt::format("'{}' is truncated or damaged: scans are missing", name));
  }
  if (cmyk) picture.pixels.bitwise_not_();  // stored as light, not as ink: Adobe's way is everybody's
  return picture;
}

std::string encode_jpeg(const at::Tensor& image, int quality, const Provenance& made) {
  const at::Tensor pixels = detail::interleaved(image);
  if (pixels.size(0) > JPEG_MAX_DIMENSION || pixels.size(1) > JPEG_MAX_DIMENSION) {
    throw InvalidArgument(fmt::format("image must have sides of at most {} pixels as JPEG, found {} x {}", JPEG_MAX_DIMENSION,
                                      pixels.size(1), pixels.size(0)));
  }
  JpegState state;
  jpeg_compress_struct info{};
  info.err = jpeg_std_error(&state.errors);
  state.errors.error_exit = &jpeg_fail;
  info.client_data = &state;
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): libjpeg reads it only
  auto* const first = const_cast<JSAMPLE*>(pixels.const_data_ptr<uint8_t>());
  const bool encoded = state.attempt([&] {
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
      JSAMPROW row = first + int64_t{info.next_scanline} * info.image_width * 3;
      jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
  });
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): libjpeg's
  const std::unique_ptr<unsigned char, decltype(&std::free)> freed(buffer, &std::free);
  jpeg_destroy_compress(&info);
  if (!encoded) throw Error(fmt::format("JPEG: {}", state.message.data()));
  return detail::with_provenance({reinterpret_cast<const char*>(freed.get()), size}, made);
}

}  // namespace secgan
