#pragma once
/// Which faces of a photo edits name.

#include <algorithm>
#include <vector>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/editing/editor.hpp"

namespace secgan {

/// @throws InvalidArgument for a face that the photo has not, or that is named twice. A photo that is taken as aligned has one.
inline void require_known_faces(const SeenPhoto& seen, const std::vector<FaceEdit>& faces) {
  const size_t known = std::max<size_t>(seen.faces.size(), 1);
  std::vector<bool> named(known);
  for (const FaceEdit& one : faces) {
    if (one.face >= known) throw InvalidArgument(fmt::format("face {} must be below {}, the number of the photo's faces", one.face, known));
    if (named[one.face]) throw InvalidArgument(fmt::format("face {} is named twice", one.face));
    named[one.face] = true;
  }
}

}  // namespace secgan
