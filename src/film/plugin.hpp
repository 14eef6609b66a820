#pragma once
/// What the library with FFmpeg's in it, found at run time, offers to the command.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "film/film_file.hpp"

namespace secgan::detail {

/// Encodes frames into a file that is there already, and is replaced.
struct FilmEncoder {
  virtual ~FilmEncoder() = default;
  virtual void add(const FilmFrame& frame) = 0;
  /// @param comment  empty: none
  virtual FilmLosses finish(const std::string& comment) = 0;
};

struct FilmPlugin {
  /// @param comment  receives what the film says of itself
  FilmFacts (*inspect)(const std::filesystem::path& file, std::string& comment);
  void (*read)(const std::filesystem::path& file, const std::function<bool(const FilmFrame& frame)>& use);
  /// @param into  is written   @param named  for messages
  std::unique_ptr<FilmEncoder> (*encode)(const std::filesystem::path& into, const std::filesystem::path& named,
                                         const std::filesystem::path& like);
};

inline constexpr const char* kFilmLibrary = "libsecgan_film.so";
/// The name of the function that gives it, `const FilmPlugin* (*)()`.
inline constexpr const char* kFilmEntry = "secgan_film_plugin";

}  // namespace secgan::detail
