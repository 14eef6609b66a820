#pragma once
/// What the frames of a film share, found before the first one is edited.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/outputs.hpp"
#include "secgan/alignment/path.hpp"
#include "secgan/editing/editor.hpp"

namespace secgan::cli {

/// The frames of a film, in its order, which can be walked through more than once.
struct Frames {
  int64_t count = 0;  ///< 0: not known before they are read
  /// Gives each, [3, H, W] uint8 RGB, until `use` returns false.
  std::function<void(const std::function<bool(const at::Tensor& picture)>& use)> each;
  std::function<std::string(size_t frame)> name;  ///< for messages
};
/// Files that came in the order of their names' letters, as of folders and of the shell's patterns, into that of their numbers: 2.png
/// before 10.png. Another order is somebody's wish, and stays.
void order_by_number(std::vector<PhotoOutputs>& files);

/// Frames that are files of their own.
Frames frames_of(const std::vector<PhotoOutputs>& files);
/// Those of a film's file.
Frames frames_of(const std::filesystem::path& film);

struct Film {
  std::vector<std::optional<Face>> faces;  ///< of each frame, steadied; empty where none is searched
  NamedLabels source;                      ///< what most of the frames show
  size_t frames = 0;
};

/// As editing a frame takes its face.
std::optional<FaceSearch> known_face(const std::optional<Face>& face);

/// @param how  where faces are searched, and what the frames show if that is given
/// @throws InvalidArgument for frames of several sizes; NoFaceFound where no frame has the face.
Film look_at_film(const Editor& editor, const Frames& frames, const EditOptions& how);

}  // namespace secgan::cli
