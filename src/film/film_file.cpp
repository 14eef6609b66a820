#include "film/film_file.hpp"

#include <dlfcn.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "core/format.hpp"
#include "film/plugin.hpp"
#include "io/file_kind.hpp"
#include "io/json.hpp"
#include "io/temporary.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

namespace fs = std::filesystem;

/// FFmpeg's libraries bring a hundred others: they are loaded when a film is asked for, and not before.
const detail::FilmPlugin* plugin() {
  static const detail::FilmPlugin* const loaded = []() -> const detail::FilmPlugin* {
    void* const library = ::dlopen(detail::kFilmLibrary, RTLD_NOW | RTLD_LOCAL);
    void* const entry = library == nullptr ? nullptr : ::dlsym(library, detail::kFilmEntry);
    return entry == nullptr ? nullptr : reinterpret_cast<const detail::FilmPlugin* (*)()>(entry)();
  }();
  return loaded;
}

/// A Matroska or WebM file that ends before it says: FFmpeg takes what is there for all of it.
/// @param head  the file's first bytes   @param size  of the file
bool is_cut_matroska(std::string_view head, uint64_t size) {
  constexpr std::string_view kHeader = "\x1a\x45\xdf\xa3", kSegment = "\x18\x53\x80\x67";
  // An element's length: as many bytes as the first has leading zeros, and one; all ones where nobody knew.
  const auto length_at = [&](size_t& at) -> uint64_t {
    if (at >= head.size()) return UINT64_MAX;
    const auto first = static_cast<uint8_t>(head[at]);
    const auto bytes = static_cast<size_t>(std::countl_zero(first)) + 1;
    if (bytes > 8 || at + bytes > head.size()) return UINT64_MAX;
    uint64_t value = bytes == 8 ? 0 : first & (0xffu >> bytes);
    bool unknown = value == (bytes == 8 ? 0 : 0xffu >> bytes);
    for (size_t i = 1; i < bytes; ++i) {
      value = value << 8 | static_cast<uint8_t>(head[at + i]);
      unknown = unknown && static_cast<uint8_t>(head[at + i]) == 0xff;
    }
    at += bytes;
    return unknown ? UINT64_MAX : value;
  };
  if (!head.starts_with(kHeader)) return false;
  size_t at = kHeader.size();
  const uint64_t header = length_at(at);
  if (header > head.size() - at || !head.substr(at + header).starts_with(kSegment)) return false;
  at += header + kSegment.size();
  const uint64_t segment = length_at(at);
  return segment != UINT64_MAX && segment > size - at;
}

/// The same of AVI, whose index lies at its end.
bool is_cut_avi(std::string_view head, uint64_t size) {
  if (!head.starts_with("RIFF") || head.size() < 8) return false;
  uint32_t length = 0;
  std::memcpy(&length, head.data() + 4, sizeof length);
  return length != UINT32_MAX && length > size - 8;  // the largest number: nobody knew
}

const detail::FilmPlugin& plugin_for(const fs::path& film) {
  {
    const detail::RegularFile file(film, UINT64_MAX);  // for the errors that every reader has
    if (const std::string head = file.head(); is_cut_matroska(head, file.size()) || is_cut_avi(head, file.size()))
      throw Error(fmt::format("'{}' is truncated: its header announces more than there is", film.string()));
  }
  if (plugin() != nullptr) return *plugin();
  throw Error(
      fmt::format("'{}' is a film, and FFmpeg's libraries, which read it, are not there or were not when secgan was built: take its frames "
                  "out, and edit those (docs/photos.md)",
                  film.string()));
}

}  // namespace

bool is_film(const fs::path& file) {
  try {
    return detail::kind_of_head(file) == detail::FileKind::kVideo;
  } catch (const Error&) {
    return false;
  }
}

FilmFacts inspect_film(const fs::path& file) {
  std::string comment;
  FilmFacts facts = plugin_for(file).inspect(file, comment);
  constexpr size_t kMost = size_t{1} << 20;
  if (comment.size() > kMost || !comment.starts_with('{')) return facts;
  try {
    detail::check_nesting(comment, "");
    detail::from_json_strict(facts.provenance, nlohmann::json::parse(comment), "");
  } catch (const std::exception&) {  // somebody's comment
    facts.provenance = {};
  }
  return facts;
}

void read_film(const fs::path& file, const std::function<bool(const FilmFrame& frame)>& use) { plugin_for(file).read(file, use); }

struct FilmWriter::Parts {
  fs::path file;
  detail::Temporary temporary;
  std::unique_ptr<detail::FilmEncoder> encoder;
};

FilmWriter::FilmWriter(fs::path file, const fs::path& like) {
  const detail::FilmPlugin& films = plugin_for(like);
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  parts_ = std::make_unique<Parts>(Parts{file, detail::Temporary::file(folder, file, 0666), nullptr});
  parts_->encoder = films.encode(parts_->temporary.path(), file, like);
}

FilmWriter::~FilmWriter() = default;

void FilmWriter::add(const FilmFrame& frame) { parts_->encoder->add(frame); }

FilmLosses FilmWriter::finish(const Provenance& made) {
  const FilmLosses losses = parts_->encoder->finish(made.empty() ? "" : detail::to_json(made).dump());
  std::error_code failed;
  fs::rename(parts_->temporary.path(), parts_->file, failed);
  if (failed) throw Error(fmt::format("'{}' cannot be written: {}", parts_->file.string(), failed.message()));
  parts_->temporary.release();
  return losses;
}

}  // namespace secgan
