#pragma once
/// One face through the frames of a film.

#include <cstdint>
#include <optional>
#include <vector>

#include "secgan/alignment/faces.hpp"
#include "secgan/core/export.hpp"

namespace secgan {

/// The face in each frame; nullopt where it was not found.
using FacePath = std::vector<std::optional<Face>>;

/// The face of the first frame that has the one asked for, then in each frame the one nearest to where it was last: farther than three
/// quarters of its eyes' distance, for each frame since, it is another one.
/// @param frames  each frame's faces, the largest first   @param choice  the largest, or a number
/// @throws NoFaceFound where no frame has it; InvalidArgument for all of them.
SECGAN_API FacePath follow_face(const std::vector<std::vector<Face>>& frames, const FaceChoice& choice);

/// The same with steadier points: each is a parabola's through those of the frames around it (weighted least squares), so that a face
/// that speeds up evenly is not held back. Detectors place points anew in each frame, up to a few hundredths of the eyes' distance off, and
/// an edit that is put back by them trembles.
/// @param reach  frames to either side, at least 1; a face that is missing in so many frames in a row, and no more, is filled in
SECGAN_API FacePath smoothed(const FacePath& path, int64_t reach = 4);

}  // namespace secgan
