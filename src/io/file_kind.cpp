#include "io/file_kind.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "io/temporary.hpp"

namespace secgan::detail {
namespace {

using namespace std::string_view_literals;

/// Bytes that a kind begins with, or has at a place.
struct Signature {
  FileKind kind;
  size_t place;
  std::string_view bytes;
};

constexpr std::array kSignatures{
    Signature{FileKind::kJpeg, 0, "\xff\xd8\xff"sv},
    Signature{FileKind::kPng, 0, "\x89PNG\r\n\x1a\n"sv},
    Signature{FileKind::kGif, 0, "GIF87a"sv},
    Signature{FileKind::kGif, 0, "GIF89a"sv},
    // Before TIFF's, of which most cameras' files are made.
    Signature{FileKind::kCameraRaw, 8, "CR\x02\0"sv},  // Canon's CR2
    Signature{FileKind::kCameraRaw, 0, "FUJIFILMCCD-RAW"sv},
    Signature{FileKind::kCameraRaw, 0, "IIRO"sv},  // Olympus
    Signature{FileKind::kCameraRaw, 0, "IIRS"sv},
    Signature{FileKind::kCameraRaw, 0, "MMOR"sv},
    Signature{FileKind::kCameraRaw, 0, "IIU\0"sv},     // Panasonic
    Signature{FileKind::kCameraRaw, 6, "HEAPCCDR"sv},  // Canon, before CR2
    Signature{FileKind::kCameraRaw, 0, "FOVb"sv},      // Sigma
    Signature{FileKind::kCameraRaw, 0, "\0MRM"sv},     // Minolta
    Signature{FileKind::kTiff, 0, "II*\0"sv},
    Signature{FileKind::kTiff, 0, "MM\0*"sv},
    Signature{FileKind::kTiff, 0, "II+\0"sv},  // BigTIFF
    Signature{FileKind::kTiff, 0, "MM\0+"sv},
    Signature{FileKind::kJpegXl, 0, "\xff\x0a"sv},
    Signature{FileKind::kJpegXl, 0, "\0\0\0\x0cJXL \r\n\x87\n"sv},
    Signature{FileKind::kJpeg2000, 0, "\0\0\0\x0cjP  \r\n\x87\n"sv},
    Signature{FileKind::kJpeg2000, 0, "\xff\x4f\xff\x51"sv},
    Signature{FileKind::kPhotoshop, 0, "8BPS"sv},
    Signature{FileKind::kQoi, 0, "qoif"sv},
    Signature{FileKind::kExr, 0, "\x76\x2f\x31\x01"sv},
    Signature{FileKind::kRadiance, 0, "#?RADIANCE\n"sv},
    Signature{FileKind::kIcon, 0, "\0\0\1\0"sv},
    Signature{FileKind::kVideo, 0, "\x1a\x45\xdf\xa3"sv},  // Matroska, WebM
    Signature{FileKind::kPdf, 0, "%PDF-"sv},
    Signature{FileKind::kGitLfsPointer, 0, "version https://git-lfs.github.com/spec/"sv},
    Signature{FileKind::kGitLfsPointer, 0, "version https://hawser.github.com/spec/"sv},  // its first name
    Signature{FileKind::kGitAnnexPointer, 0, "/annex/objects/"sv},
    Signature{FileKind::kUtf16, 0, "\xff\xfe"sv},
    Signature{FileKind::kUtf16, 0, "\xfe\xff"sv},
    Signature{FileKind::kTar, 257, "ustar"sv},
    Signature{FileKind::kGzip, 0, "\x1f\x8b"sv},
    Signature{FileKind::kBzip2, 0, "BZh"sv},
    Signature{FileKind::kXz, 0, "\3757zXZ\0"sv},
    Signature{FileKind::kZstandard, 0, "\x28\xb5\x2f\xfd"sv},
    Signature{FileKind::kLz4, 0, "\x04\x22\x4d\x18"sv},
    Signature{FileKind::kSevenZip, 0, "7z\xbc\xaf\x27\x1c"sv},
    Signature{FileKind::kRar, 0, "Rar!\x1a\x07"sv},
    // The magic number's pickle: protocol 2, a long of ten bytes.
    Signature{FileKind::kTorchLegacy, 0, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e"sv},
    Signature{FileKind::kNumpy, 0, "\x93NUMPY"sv},
    Signature{FileKind::kHdf5, 0, "\x89HDF\r\n\x1a\n"sv},
    Signature{FileKind::kGguf, 0, "GGUF"sv},
    Signature{FileKind::kTfLite, 4, "TFL3"sv},
    Signature{FileKind::kMatlab, 0, "MATLAB 5.0 MAT-file"sv},
    Signature{FileKind::kProgram, 0, "\177ELF"sv},
};

/// Behind "FILE is".
constexpr std::array<std::pair<FileKind, std::string_view>, 52> kPhrases{{
    {FileKind::kUnknown, "of no known kind"},
    {FileKind::kEmpty, "empty"},
    {FileKind::kJpeg, "a JPEG picture"},
    {FileKind::kPng, "a PNG picture"},
    {FileKind::kWebp, "a WebP picture"},
    {FileKind::kHeic, "a HEIC picture"},
    {FileKind::kAvif, "an AVIF picture"},
    {FileKind::kGif, "a GIF picture"},
    {FileKind::kTiff, "a TIFF picture"},
    {FileKind::kBmp, "a BMP picture"},
    {FileKind::kJpegXl, "a JPEG XL picture"},
    {FileKind::kJpeg2000, "a JPEG 2000 picture"},
    {FileKind::kPhotoshop, "a Photoshop picture"},
    {FileKind::kIcon, "an icon"},
    {FileKind::kPortableMap, "a PNM picture"},
    {FileKind::kQoi, "a QOI picture"},
    {FileKind::kExr, "an OpenEXR picture"},
    {FileKind::kRadiance, "a Radiance picture"},
    {FileKind::kSvg, "an SVG drawing"},
    {FileKind::kCameraRaw, "a camera's raw photo"},
    {FileKind::kVideo, "a video"},
    {FileKind::kPdf, "a PDF document"},
    {FileKind::kHtml, "an HTML page, not the file itself (the download gave a page)"},
    {FileKind::kXml, "an XML document"},
    {FileKind::kGitLfsPointer, "a Git LFS pointer, not the file itself (run git lfs pull)"},
    {FileKind::kGitAnnexPointer, "a git-annex pointer, not the file itself (run git annex get)"},
    {FileKind::kJson, "JSON text"},
    {FileKind::kUtf16, "text in UTF-16"},
    {FileKind::kText, "text"},
    {FileKind::kZip, "a zip archive"},
    {FileKind::kTar, "a tar archive"},
    {FileKind::kGzip, "a gzip archive"},
    {FileKind::kBzip2, "a bzip2 archive"},
    {FileKind::kXz, "an xz archive"},
    {FileKind::kZstandard, "a Zstandard archive"},
    {FileKind::kLz4, "an LZ4 archive"},
    {FileKind::kSevenZip, "a 7z archive"},
    {FileKind::kRar, "a RAR archive"},
    {FileKind::kTorchZip, "a torch.save file"},
    {FileKind::kTorchLegacy, "a torch.save file of the format before PyTorch 1.6"},
    {FileKind::kTorchScript, "a TorchScript program"},
    {FileKind::kTorchExport, "a torch.export program"},
    {FileKind::kSafetensors, "a safetensors file"},
    {FileKind::kNpz, "an .npz file of NumPy arrays"},
    {FileKind::kNumpy, "a NumPy array"},
    {FileKind::kPickle, "a Python pickle"},
    {FileKind::kHdf5, "an HDF5 file"},
    {FileKind::kOnnx, "an ONNX network"},
    {FileKind::kGguf, "a GGUF file"},
    {FileKind::kTfLite, "a TensorFlow Lite network"},
    {FileKind::kMatlab, "a MATLAB file"},
    {FileKind::kProgram, "a program"},
}};

template <class T>
T number_at(std::string_view bytes, size_t place) {
  T value{};
  if (place + sizeof value <= bytes.size()) std::memcpy(&value, bytes.data() + place, sizeof value);
  return value;
}

/// ISO base media: photos and videos whose first box names what they are.
FileKind kind_of_media(std::string_view bytes) {
  std::string_view brands = bytes.substr(8, std::min<size_t>(bytes.size() - 8, 64));
  FileKind kind = FileKind::kVideo;
  // The first is the main one; "mif1" and "msf1" leave it to those that follow.
  for (; brands.size() >= 4; brands.remove_prefix(4)) {
    const std::string_view brand = brands.substr(0, 4);
    if (brand == "crx ") return FileKind::kCameraRaw;  // Canon's CR3
    if (brand == "avif" || brand == "avis") return FileKind::kAvif;
    for (const std::string_view heic : {"heic", "heix", "hevc", "hevx", "heim", "heis"}) {
      if (brand == heic) return FileKind::kHeic;
    }
    if (brand == "mif1" || brand == "msf1") kind = FileKind::kHeic;
  }
  return kind;
}

FileKind kind_of_zip(std::string_view bytes) {
  const std::string_view first = bytes.substr(std::min<size_t>(30, bytes.size()), number_at<uint16_t>(bytes, 26));
  if (first.ends_with(".npy")) return FileKind::kNpz;
  // A program differs from a file of tensors in what its directory, at the file's end, lists.
  constexpr size_t kDirectory = size_t{1} << 20;
  const std::string_view last = bytes.substr(bytes.size() - std::min(bytes.size(), kDirectory));
  if (last.find("/archive_format") != std::string_view::npos) return FileKind::kTorchExport;
  if (last.find("/constants.pkl") != std::string_view::npos) return FileKind::kTorchScript;
  return first.ends_with("data.pkl") || last.find("/data.pkl") != std::string_view::npos ? FileKind::kTorchZip : FileKind::kZip;
}

/// A protocol buffer that begins with ONNX's format version, and then with a field that its models have.
bool is_onnx(std::string_view bytes) {
  if (bytes.size() < 8 || bytes[0] != 0x08 || bytes[1] < 3 || bytes[1] > 32) return false;
  constexpr std::string_view kFields = "\x12\x1a\x22\x28\x3a\x42"sv;  // producer and its version, domain, model version, graph, operators
  if (kFields.find(bytes[2]) == std::string_view::npos) return false;
  if (bytes[2] != 0x12) return true;
  const std::string_view producer = bytes.substr(4, static_cast<uint8_t>(bytes[3]));
  return std::ranges::all_of(producer, [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_bmp(std::string_view bytes) {
  if (bytes.size() < 26 || !bytes.starts_with("BM")) return false;
  const auto header = number_at<uint32_t>(bytes, 14);
  return header == 12 || header == 16 || (header >= 40 && header <= 124);
}

bool is_portable_map(std::string_view bytes) {
  if (bytes.size() < 8 || bytes[0] != 'P' || bytes[1] < '1' || bytes[1] > '7') return false;
  return bytes[2] == '\n' || bytes[2] == ' ' || bytes[2] == '\r' || bytes[2] == '\t';
}

/// Lower-case letters for ASCII's capitals.
std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// Whether the beginning is text: no control character but white space and escape; UTF-8, or a single-byte script among ASCII.
bool is_text(std::string_view beginning) {
  size_t high = 0;
  bool utf8 = true;
  for (const char c : beginning) {
    const auto byte = static_cast<uint8_t>(c);
    if ((byte < 0x20 && "\t\n\v\f\r\x1b"sv.find(c) == std::string_view::npos) || byte == 0x7f) return false;
    high += byte >= 0x80 ? 1 : 0;
    utf8 = utf8 && byte != 0xc0 && byte != 0xc1 && byte < 0xf5;
  }
  return utf8 || 2 * high <= beginning.size();
}

FileKind kind_of_text(std::string_view beginning) {
  if (beginning.starts_with("\xef\xbb\xbf")) beginning.remove_prefix(3);
  beginning.remove_prefix(std::min(beginning.find_first_not_of(" \t\r\n"), beginning.size()));
  const std::string text = lower(beginning);
  if (text.starts_with("<svg") || (text.starts_with("<?xml") && text.find("<svg") != std::string::npos)) return FileKind::kSvg;
  if (text.starts_with("<!doctype html") || text.starts_with("<html") || (text.starts_with('<') && text.find("<html") != std::string::npos))
    return FileKind::kHtml;
  if (text.starts_with("<?xml") || text.starts_with("<!doctype")) return FileKind::kXml;
  if (text.starts_with('{') || text.starts_with('[')) return FileKind::kJson;
  return FileKind::kText;
}

}  // namespace

FileKind file_kind(std::string_view bytes) {
  if (bytes.empty()) return FileKind::kEmpty;
  const auto has = [&](size_t place, std::string_view what) { return place < bytes.size() && bytes.substr(place).starts_with(what); };
  // A header's length and the object that is the header. The length may look like anything: first.
  constexpr uint64_t kLargestHeader = 100'000'000;
  if (has(8, "{") && number_at<uint64_t>(bytes, 0) <= kLargestHeader) return FileKind::kSafetensors;
  for (const Signature& signature : kSignatures) {
    if (has(signature.place, signature.bytes)) return signature.kind;
  }
  if (has(0, "RIFF")) return has(8, "WEBP") ? FileKind::kWebp : has(8, "AVI ") ? FileKind::kVideo : FileKind::kUnknown;
  if (has(4, "ftyp")) return kind_of_media(bytes);
  if (has(0, "PK\x03\x04") || has(0, "PK\x05\x06")) return kind_of_zip(bytes);
  if (is_bmp(bytes)) return FileKind::kBmp;
  if (bytes.size() > 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5) return FileKind::kPickle;
  if (is_portable_map(bytes)) return FileKind::kPortableMap;
  if (is_onnx(bytes)) return FileKind::kOnnx;
  const std::string_view beginning = bytes.substr(0, 4096);
  return is_text(beginning) ? kind_of_text(beginning) : FileKind::kUnknown;
}

std::string_view describe(FileKind kind) {
  return std::ranges::find(kPhrases, kind, &std::pair<FileKind, std::string_view>::first)->second;
}

std::string_view describe_file(std::string_view bytes) { return describe(file_kind(bytes)); }

FileKind kind_of_head(const std::filesystem::path& file) {
  return file_kind(RegularFile(file, std::numeric_limits<uint64_t>::max()).head());
}

bool is_zip(FileKind kind) {
  constexpr std::array kZips{FileKind::kZip, FileKind::kTorchZip, FileKind::kTorchScript, FileKind::kTorchExport, FileKind::kNpz};
  return std::ranges::find(kZips, kind) != kZips.end();
}

}  // namespace secgan::detail
