#include <catch2/catch.hpp>

#include <set>
#include <string>

#include "io/file_kind.hpp"
#include "torch_bytes.hpp"

using namespace secgan;
using namespace secgan::testing;
using namespace std::string_literals;
using secgan::detail::FileKind;

namespace {

/// An ISO media file's first box: its main brand, then those that it is compatible with.
std::string media(const std::string& main, const std::string& others) {
  return "\0\0\0\x20"s + "ftyp" + main + "\0\0\0\0"s + others + std::string(64, '\0');
}

std::string safetensors_of(const std::string& header) { return bytes_of(uint64_t{header.size()}) + header; }

}  // namespace

TEST_CASE("a file's kind is told by its bytes: beginnings as the formats' specifications give them", "[io]") {
  const std::string tar = std::string(257, 'a') + "ustar\0"s + "00" + std::string(247, '\0');
  const std::pair<std::string, std::string> kFiles[] = {
      {"", "empty"},
      {"\xff\xd8\xff\xe0\0\x10JFIF"s, "a JPEG picture"},
      {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"s, "a PNG picture"},
      {"RIFF\x24\0\0\0WEBPVP8 "s, "a WebP picture"},
      {media("heic", "mif1heic"), "a HEIC picture"},
      {media("mif1", "mif1heic"), "a HEIC picture"},
      {media("mif1", "avifmif1"), "an AVIF picture"},
      {media("avif", "mif1miaf"), "an AVIF picture"},
      {media("isom", "isomiso2"), "a video"},
      {media("crx ", "crx isom"), "a camera's raw photo"},
      {"II*\0\x10\0\0\0CR\2\0"s, "a camera's raw photo"},
      {"FUJIFILMCCD-RAW 0201", "a camera's raw photo"},
      {"IIRO\x08\0\0\0"s, "a camera's raw photo"},
      {"MMOR\0\0\0\x08"s, "a camera's raw photo"},
      {"II\x1a\0\0\0HEAPCCDR"s, "a camera's raw photo"},
      {"FOVb\1\0\2\0"s, "a camera's raw photo"},
      {"\0MRM\0\0\0\x40"s, "a camera's raw photo"},
      {"IIU\0\x18\0\0\0"s, "a camera's raw photo"},
      {"GIF89a\1\0\1\0"s, "a GIF picture"},
      {"II*\0\x08\0\0\0"s, "a TIFF picture"},
      {"MM\0*\0\0\0\x08"s, "a TIFF picture"},
      {"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\2\0\0\0\2\0\0\0"s, "a BMP picture"},
      {"\xff\x0a\xfa\x7f"s, "a JPEG XL picture"},
      {"\0\0\0\x0cJXL \r\n\x87\n"s, "a JPEG XL picture"},
      {"P6\n2 2\n255\n............", "a PNM picture"},
      {"%PDF-1.7\n", "a PDF document"},
      {"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "an SVG drawing"},
      {"\xef\xbb\xbf\n<!DOCTYPE HTML><title>Sign in</title>", "an HTML page, not the file itself (the download gave a page)"},
      {"<!-- cached -->\n<HTML lang=en>", "an HTML page, not the file itself (the download gave a page)"},
      {"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "an XML document"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "a Git LFS pointer, not the file itself (run git lfs pull)"},
      {" {\"a\": 1}", "JSON text"},
      {"[[[[", "JSON text"},
      {"# notes\n\xc3\xa4", "text"},
      {"\xff\xfeh\0i\0"s, "text in UTF-16"},
      {tar, "a tar archive"},
      {"\x1f\x8b\x08\0"s, "a gzip archive"},
      {"BZh91AY&SY", "a bzip2 archive"},
      {"\3757zXZ\0\0"s, "an xz archive"},
      {"7z\xbc\xaf\x27\x1c\0\4"s, "a 7z archive"},
      {"Rar!\x1a\x07\x01\0"s, "a RAR archive"},
      {"PK\x05\x06"s + std::string(18, '\0'), "a zip archive"},
      {zip_of({{"a.txt", "a"}}), "a zip archive"},
      {zip_of({{"a.npy", "\x93NUMPY"}}), "an .npz file of NumPy arrays"},
      {zip_of({{"m/data.pkl", "."}, {"m/version", "3"}}), "a torch.save file"},
      {zip_of({{"m/data.pkl", "."}, {"m/code/m.py", ""}, {"m/constants.pkl", "."}}), "a TorchScript program"},
      {zip_of({{"m/archive_format", "pt2"}, {"m/data/weights/w.pt", ""}}), "a torch.export program"},
      {TorchFile::legacy_head(), "a torch.save file of the format before PyTorch 1.6"},
      {"\x80\x04\x95\x05\0\0\0\0\0\0\0}\x94."s, "a Python pickle"},
      {"\x93NUMPY\x01\0v\0"s, "a NumPy array"},
      {"\x89HDF\r\n\x1a\n\0"s, "an HDF5 file"},
      {"\x08\x08\x12\x07pytorch\x1a\x05"s, "an ONNX network"},
      {safetensors_of("{}"), "a safetensors file"},
      // Headers whose lengths are an icon's and a gzip archive's first bytes.
      {safetensors_of("{" + std::string(65534, ' ') + "}"), "a safetensors file"},
      {safetensors_of("{" + std::string(0x8b1f - 2, ' ') + "}"), "a safetensors file"},
      {std::string(16, '\0'), "of no known kind"},
      {"\x01\x02\x03\x04", "of no known kind"},
  };
  for (const auto& [bytes, expected] : kFiles) {
    INFO(expected);
    CHECK(secgan::detail::describe_file(bytes) == expected);
  }
}

TEST_CASE("every beginning of a file of any kind is told without reading behind its end", "[io]") {
  for (const std::string& whole : {media("mif1", "avif"), zip_of({{"m/data.pkl", "."}}), "RIFF\x24\0\0\0WEBP"s,
                                   "BM"s + std::string(40, '\x28'), "\x08\x08\x12\xffpytorch"s, safetensors_of("{}")}) {
    for (size_t size = 0; size <= whole.size(); ++size) {
      const std::string cut(whole.data(), size);  // of its own memory, so that the sanitizers see its end
      CHECK_FALSE(secgan::detail::describe_file(cut).empty());
    }
  }
}

TEST_CASE("each kind has a phrase of its own", "[io]") {
  std::set<std::string_view> phrases;
  for (int kind = 0; kind <= static_cast<int>(FileKind::kProgram); ++kind) phrases.insert(secgan::detail::describe(FileKind{kind}));
  CHECK(phrases.size() == static_cast<size_t>(FileKind::kProgram) + 1);
}
