#include "film/film_file.hpp"

#include <dlfcn.h>

#include <array>
#include <cstring>
#include <fstream>
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

const detail::FilmPlugin& plugin_for(const fs::path& film) {
  detail::RegularFile(film, UINT64_MAX);  // for the errors that every reader has
  if (plugin() != nullptr) return *plugin();
  throw Error(
      fmt::format("'{}' is a film, and FFmpeg's libraries, which read it, are not there or were not when secgan was built: take its frames "
                  "out, and edit those (docs/photos.md)",
                  film.string()));
}

}  // namespace

bool is_film(const fs::path& file) {
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return false;
  std::array<char, 4096> bytes{};
  std::ifstream stream(file, std::ios::binary);
  stream.read(bytes.data(), bytes.size());
  return detail::file_kind({bytes.data(), static_cast<size_t>(stream.gcount())}) == detail::FileKind::kVideo;
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

bool FilmWriter::finish(const Provenance& made) {
  const bool silenced = parts_->encoder->finish(made.empty() ? "" : detail::to_json(made).dump());
  std::error_code failed;
  fs::rename(parts_->temporary.path(), parts_->file, failed);
  if (failed) throw Error(fmt::format("'{}' cannot be written: {}", parts_->file.string(), failed.message()));
  parts_->temporary.release();
  return silenced;
}

}  // namespace secgan
