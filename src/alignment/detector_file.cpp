#include "secgan/alignment/detector_file.hpp"

#include <array>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "core/format.hpp"
#include "core/installed.hpp"
#include "io/file_kind.hpp"
#include "io/zip_archive.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/safetensors.hpp"
#include "secgan/io/torch_file.hpp"

namespace secgan {
namespace {

namespace fs = std::filesystem;

/// Files of the package, by the network that each holds.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kParts{
    {{"pnet", "pnet.pt"}, {"rnet", "rnet.pt"}, {"onet", "onet.pt"}}};
/// Of the weights: whoever passes them on passes this on.
constexpr const char* kFormat = "secgan face detector 1";  // under the metadata key "format"
constexpr std::string_view kLicense = R"(MIT License

Copyright (c) 2016 David Sandberg
Copyright (c) 2019 Timothy Esler

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
)";
constexpr uint64_t kMostBytes = uint64_t{64} << 20;  // of the package, and of a detector's file, which have 2 MB

/// Bytes and name of a part.
struct Part {
  std::string bytes, name;
};

Part part_of_archive(detail::ZipArchive& archive, std::string_view file, const std::string& from) {
  for (const detail::ZipMember& member : archive.members()) {
    if (member.name == file || member.name.ends_with(fmt::format("/{}", file)))
      return {archive.read(member), fmt::format("{}/{}", from, member.name)};
  }
  throw Error(fmt::format("{}: no {} in it: facenet-pytorch's package holds {}, {} and {}", from, file, kParts[0].second, kParts[1].second,
                          kParts[2].second));
}

/// The folder itself, the package in it, or the place where the package keeps them.
Part part_of_folder(const fs::path& folder, std::string_view file) {
  for (const fs::path& place : {folder, folder / "data", folder / "facenet_pytorch" / "data"}) {
    std::error_code ignored;
    if (const fs::path found = place / file; fs::exists(found, ignored)) return {read_file(found, kMostBytes), found.string()};
  }
  throw Error(fmt::format("{}: no {} in it, nor in its data or facenet_pytorch/data", folder.string(), file));
}

}  // namespace

Mtcnn import_facenet_pytorch(const fs::path& from, const MtcnnOptions& options) {
  std::error_code ignored;
  const bool folder = fs::is_directory(from, ignored);
  std::string bytes;
  std::optional<detail::ZipArchive> archive;
  if (!folder) {
    bytes = read_file(from, kMostBytes);
    const detail::FileKind kind = detail::file_kind(bytes);
    if (kind != detail::FileKind::kZip)
      throw Error(fmt::format("{} is {}: facenet-pytorch's package is a .whl file, or a folder", from.string(), detail::describe(kind)));
    try {
      archive.emplace(bytes);
    } catch (const Error& error) {
      throw Error(fmt::format("{}: {}", from.string(), error.what()));
    }
  }
  NamedTensors state;
  for (const auto& [network, file] : kParts) {
    const Part part = folder ? part_of_folder(from, file) : part_of_archive(*archive, file, from.string());
    const std::vector<StateDict> dicts = parse_torch_file(part.bytes, part.name);
    if (dicts.size() != 1) throw Error(fmt::format("{}: {} dictionaries of tensors, expected one", part.name, dicts.size()));
    for (const auto& [name, tensor] : dicts.front().tensors) state.emplace_back(fmt::format("{}.{}", network, name), tensor);
  }
  Mtcnn detector(options);
  detector.load(state, from.string());
  return detector;
}

void require_detector_place(const fs::path& file) {
  std::error_code ignored;
  const uintmax_t size = fs::exists(file, ignored) ? fs::file_size(file, ignored) : 0;
  if (size == 0) return;
  bool ours = false;
  try {
    ours = size <= kMostBytes && load_safetensors(file).metadata["format"] == kFormat;
  } catch (const Error&) {  // somebody's file
  }
  if (!ours) throw InvalidArgument(fmt::format("'{}' is there and is no face detector: choose another name, or remove it", file.string()));
}

void save_detector(const fs::path& file, const Mtcnn& detector) {
  require_detector_place(file);
  make_folder(fs::absolute(file).parent_path());
  write_file(file, encode_safetensors(detector.state(), {{"format", kFormat},
                                                         {"network", "MTCNN (arXiv 1604.02878)"},
                                                         {"origin", "facenet-pytorch, converted from David Sandberg's facenet"},
                                                         {"license", "MIT"},
                                                         {"license_text", std::string(kLicense)}}));
}

Mtcnn load_detector(const fs::path& file, const MtcnnOptions& options) {
  Mtcnn detector(options);
  detector.load(load_safetensors(file).tensors, file.string());
  return detector;
}

Mtcnn installed_detector() {
  static std::mutex mutex;
  static std::optional<Mtcnn> detector;
  const std::lock_guard lock(mutex);
  if (!detector) {
    const std::optional<fs::path> file = detail::find_installed(kDetectorFile);
    if (!file) {
      throw NoDetector(
          fmt::format("no face detector is installed: pip download --no-deps facenet-pytorch==2.6.0, then "
                      "secgan import facenet_pytorch-2.6.0-py3-none-any.whl --from facenet-pytorch --out {}",
                      detail::user_place(kDetectorFile).string()));
    }
    detector = load_detector(*file);
  }
  return *detector;
}

}  // namespace secgan
