#pragma once
/// What the frames of a film share, found before the first one is edited.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cli/outputs.hpp"
#include "secgan/alignment/path.hpp"
#include "secgan/editing/editor.hpp"

namespace secgan::cli {

struct Film {
  std::map<std::filesystem::path, std::optional<Face>> faces;  ///< of each frame, steadied; empty where none is searched
  NamedLabels source;                                          ///< what most of the frames show
};

/// @param frames  in the film's order   @param how  where faces are searched, and what the frames show if that is given
/// @throws InvalidArgument for frames of several sizes; NoFaceFound where no frame has the face.
Film look_at_film(const Editor& editor, const std::vector<PhotoOutputs>& frames, const EditOptions& how);

}  // namespace secgan::cli
