#pragma once
/// Films as files, by FFmpeg's libraries where they are there: frames out of one, and edited frames, with its times and its sound, into
/// another.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "secgan/image/provenance.hpp"

namespace secgan {

/// Whether a file's first bytes are a film's: MP4, QuickTime, Matroska, WebM or AVI. False for files that cannot be read.
bool is_film(const std::filesystem::path& file);

struct FilmFacts {
  int64_t width = 0, height = 0;  ///< in pixels, turned upright
  int64_t frames = 0;             ///< as the file says or its length suggests; 0: neither is known
  Provenance provenance;
};
/// @throws FileNotFound, or Error naming the file: no film, no picture in it, or FFmpeg's libraries are missing.
FilmFacts inspect_film(const std::filesystem::path& file);

struct FilmFrame {
  at::Tensor picture;  ///< [3, H, W] uint8 RGB, upright
  int64_t time = 0;    ///< in the film's own units
  int64_t length = 0;  ///< how long it is shown, in the same; 0: until the next one
};
/// Every frame in order, until `use` returns false. Files that the film names are not opened.
/// @throws as inspect_film; Error for damage, and for frames of several sizes
void read_film(const std::filesystem::path& file, const std::function<bool(const FilmFrame& frame)>& use);

/// What of a film an MP4 of its frames lacks.
struct FilmLosses {
  int64_t sounds = 0;      ///< tracks of kinds that MP4 does not hold
  int64_t pictures = 0;    ///< tracks beside the one that is edited
  bool subtitles = false;  ///< are not copied
};

/// Writes an MP4 of a film's edited frames, with their times and with its tracks of sound where MP4 holds them. Whole or not at all.
class FilmWriter {
 public:
  /// @param like  the film that the frames are of
  FilmWriter(std::filesystem::path file, const std::filesystem::path& like);
  ~FilmWriter();
  FilmWriter(const FilmWriter&) = delete;
  FilmWriter& operator=(const FilmWriter&) = delete;

  /// The next frame, of like's size.
  void add(const FilmFrame& frame);
  /// The file is there from here on.
  /// @param made  what it says of how it was made
  FilmLosses finish(const Provenance& made);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace secgan
