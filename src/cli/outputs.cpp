#include "cli/outputs.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <climits>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "cli/printing.hpp"
#include "core/format.hpp"
#include "data/places.hpp"
#include "film/film_file.hpp"
#include "io/json.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/labels.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/io/file.hpp"

namespace secgan::cli {
namespace {

namespace fs = std::filesystem;

using std::string_view_literals::operator""sv;

constexpr std::string_view kName = "secgan";
constexpr uint64_t kMostJson = uint64_t{64} << 20;  // as reports are read

/// A file's software, where encode_png and encode_jpeg write it: PNG's text right after the header chunk, a JPEG's comment right after the
/// JFIF header. A file that has been through another program has lost it, or has it elsewhere, and is that program's.
std::string_view software_of(std::string_view head) {
  // A length of one byte: ours is no longer.
  const auto text = [&](size_t length_at, size_t counted, std::string_view before) {
    const std::string_view rest = head.substr(length_at + 1);
    const auto length = static_cast<uint8_t>(head[length_at]);
    return rest.starts_with(before) && length >= counted ? rest.substr(before.size(), length - counted) : std::string_view();
  };
  if (head.starts_with("\x89PNG\r\n\x1a\n"sv)) return text(36, 9, "tEXtSoftware\0"sv);
  if (head.starts_with("\xff\xd8\xff\xe0\0\x10JFIF"sv) && head.substr(20).starts_with("\xff\xfe\0"sv)) return text(23, 2, "");
  return {};
}

bool made_by_us(const fs::path& file) {
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return false;
  std::array<char, 128> bytes{};
  std::ifstream(file, std::ios::binary).read(bytes.data(), bytes.size());
  const std::string_view head(bytes.data(), bytes.size());
  std::string software(software_of(head));
  if (head.starts_with("RIFF") && head.substr(8).starts_with("WEBPVP8X")) {  // its XMP stands at the end
    try {
      software = inspect_image(file).provenance.software;
    } catch (const Error&) {  // somebody's damaged file
    }
  }
  if (is_film(file)) {
    try {
      software = inspect_film(file).provenance.software;
    } catch (const Error&) {  // somebody's, or a build that reads none
    }
  }
  return software == kName ||
         (software.starts_with(kName) && std::string_view(software).substr(kName.size()).starts_with(' '));  // with a version or without
}

std::string lowered_extension(const fs::path& file) {
  std::string extension = file.extension().string();
  std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

fs::path result_name(const fs::path& photo, Result result) {
  fs::path name = photo.filename();
  const std::string extension = lowered_extension(name);
  if (extension != ".png" && extension != ".jpg" && extension != ".jpeg") name += ".png";
  switch (result) {
    case Result::kPicture: break;
    case Result::kMask: return name.stem() += "_mask.png";
    case Result::kOverlay: return name.stem() += "_overlay.png";
    case Result::kAnimation: return photo.stem() += ".webp";
    case Result::kFilm: return photo.stem() += ".mp4";
  }
  return name;
}

/// One text for all names of one file, whether it is there or not.
std::string file_identity(const fs::path& file) {
  struct stat about{};
  if (::stat(file.c_str(), &about) == 0) return fmt::format("{}:{}", about.st_dev, about.st_ino);
  std::error_code error;
  const fs::path real = fs::weakly_canonical(file, error);
  return (error ? file : real).string();
}

struct Given {
  std::string photo;
  fs::path below;  ///< where in a folder it lies that was named
};

/// Photos, and those in folders, each as often as it is named.
std::vector<Given> photos_in(const std::vector<std::string>& names, const fs::path& results) {
  std::vector<Given> out;
  std::error_code ignored;
  for (const std::string& name : names) {
    if (!fs::is_directory(name, ignored)) {
      out.push_back({name, {}});
      continue;
    }
    const bool below = fs::exists(results, ignored) && !fs::equivalent(name, results, ignored);
    const auto [found, others] = look_for_pictures(name, below ? results : fs::path());
    if (found.empty()) throw FileNotFound(no_photo_in(name, others));
    if (!others.empty()) tell("{}", note_on_others(name, others));
    for (const std::string& photo : found) out.push_back({(fs::path(name) / photo).string(), fs::path(photo).parent_path()});
    if (!below) continue;
    // Earlier results are left out, and nobody's photo with them.
    for (const std::string& photo : pictures_below(name)) {
      const fs::path file = fs::path(name) / photo;
      if (std::ranges::binary_search(found, photo) || made_by_us(file)) continue;
      throw InvalidArgument(fmt::format("--out '{}' lies in '{}' and holds '{}', which this command did not make: choose another folder",
                                        results.string(), name, file.string()));
    }
  }
  return out;
}

}  // namespace

std::vector<PhotoOutputs> plan_outputs(const std::vector<std::string>& photos, const fs::path& folder, const std::vector<Result>& results,
                                       bool overwrite) {
  std::map<std::string, std::string> inputs, writers;
  const std::vector<Given> given = photos_in(photos, folder);
  for (const auto& [photo, below] : given) inputs.emplace(file_identity(photo), photo);
  std::vector<PhotoOutputs> plan;
  for (const auto& [photo, below] : given) {
    PhotoOutputs& outputs = plan.emplace_back(PhotoOutputs{photo, {}});
    if (!outputs.photo.has_filename()) throw InvalidArgument(fmt::format("'{}' is not the name of a file", photo));
    for (const Result result : results) {
      const fs::path file = folder / below / result_name(photo, result);
      const std::string id = file_identity(file);
      if (file.filename().native().size() > NAME_MAX)
        throw InvalidArgument(fmt::format("'{}': the name is too long for a file", file.string()));
      if (const auto input = inputs.find(id); input != inputs.end())
        throw InvalidArgument(fmt::format("--out would overwrite '{}' with a result of '{}': choose another folder", input->second, photo));
      if (const auto [place, fresh] = writers.emplace(id, photo); !fresh) {
        if (file_identity(place->second) == file_identity(photo)) throw InvalidArgument(fmt::format("'{}' is named twice", photo));
        throw InvalidArgument(
            fmt::format("'{}' and '{}' would both be written to '{}': write them into two folders", place->second, photo, file.string()));
      }
      std::error_code ignored;
      if (!overwrite && fs::exists(file, ignored) && !made_by_us(file)) {
        throw InvalidArgument(fmt::format(
            "'{}' is there and was not made by this command: choose another folder for the results of '{}', or replace it with --overwrite",
            file.string(), photo));
      }
      if (fs::is_symlink(file, ignored) && !made_by_us(file)) {
        throw InvalidArgument(fmt::format("'{}' is a link to somebody's '{}', which --overwrite would replace: remove the link",
                                          file.string(), fs::read_symlink(file, ignored).string()));
      }
      if (fs::exists(file, ignored)) require_writable_file(file);
      outputs.files.push_back(file);
    }
  }
  std::set<fs::path> places{folder};
  for (const PhotoOutputs& one : plan) {
    for (const fs::path& file : one.files) places.insert(file.parent_path());
  }
  for (const fs::path& place : places) require_writable_folder(place);
  return plan;
}

void add_json_option(CLI::App& command, std::string& file, const std::string& help) {
  command.add_option("--json", file, help + "; '-': to the terminal instead")->type_name("FILE");
}

void require_json_place(const std::string& file, const std::vector<std::string>& keys) {
  if (file.empty() || file == "-") return;
  require_writable_file(file);
  std::error_code ignored;
  if (!fs::exists(file, ignored) || fs::file_size(file, ignored) == 0) return;
  bool ours = false;
  try {
    const std::string text = read_file(file, kMostJson);
    detail::check_nesting(text, file);
    const auto json = nlohmann::ordered_json::parse(text);
    ours = json.is_object() && !json.empty() && json.begin().key() == keys.front() &&
           std::ranges::all_of(keys, [&](const std::string& key) { return json.contains(key); });
  } catch (const std::exception&) {  // no JSON, or larger than any that we write
  }
  if (!ours) {
    throw InvalidArgument(fmt::format("--json: '{}' is there and was not made by this command: choose another name, or remove it", file));
  }
}

Provenance note() { return {.software = this_software()}; }

bool encodes_anew(const fs::path& file) { return lowered_extension(file) != ".png"; }

std::string encode_result(const fs::path& file, const at::Tensor& image, const Provenance& made) {
  return encodes_anew(file) ? encode_jpeg(image, kJpegQuality, made) : encode_png(image, made);
}

std::string encode_mask(const at::Tensor& ids, const Provenance& made) {
  return encode_index_png(ids, class_palette(Labels::kSecgan12), made);
}

}  // namespace secgan::cli
