#include "cli/film.hpp"

#include <algorithm>
#include <iostream>

#include "core/format.hpp"
#include "secgan/alignment/detector_file.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/report/progress.hpp"

namespace secgan::cli {

Film look_at_film(const Editor& editor, const std::vector<PhotoOutputs>& frames, const EditOptions& how) {
  if (how.faces && how.faces->choice.kind == FaceChoice::Kind::kAll)
    throw InvalidArgument("--film follows one face: --face largest, or a number");
  Film film;
  std::vector<std::vector<Face>> found;
  {
    Progress progress("frames", 0, std::ssize(frames), std::cerr);
    const FaceDetector detector = !how.faces ? FaceDetector() : how.faces->detector ? how.faces->detector : installed_detector();
    at::Tensor first;
    for (const PhotoOutputs& frame : frames) {
      const at::Tensor photo = read_image(frame.photo);
      if (!first.defined()) first = photo;
      if (photo.sizes() != first.sizes()) {
        throw InvalidArgument(fmt::format("--film: '{}' has {} x {} pixels, '{}' has {} x {}: frames of one film are of one size",
                                          frame.photo.string(), photo.size(2), photo.size(1), frames.front().photo.string(), first.size(2),
                                          first.size(1)));
      }
      found.push_back(detector ? find_faces(detector, photo).faces : std::vector<Face>());
      progress.update(std::ssize(found), 1, detector ? "looked for faces in" : "read");
    }
  }
  if (how.faces) {
    const FacePath path = smoothed(follow_face(found, how.faces->choice));
    for (size_t i = 0; i < frames.size(); ++i) film.faces[frames[i].photo] = path[i];
  }
  if (how.source) {
    film.source = *how.source;
    return film;
  }

  // One opinion for all: where frames differ, an attribute would be added to some and left alone in others.
  constexpr int64_t kAsked = 16;
  std::vector<int64_t> votes(static_cast<size_t>(editor.attributes().size()));
  int64_t asked = 0;
  for (int64_t i = 0; i < kAsked; ++i) {
    const auto at = static_cast<size_t>(i * std::ssize(frames) / kAsked);
    if (i > 0 && at == static_cast<size_t>((i - 1) * std::ssize(frames) / kAsked)) continue;
    EditOptions one = how;
    if (how.faces) {
      const std::optional<Face>& face = film.faces.at(frames[at].photo);
      if (!face) continue;
      one.faces = FaceSearch{.known = std::vector{*face}, .unless_aligned = false};
    }
    const NamedLabels seen = editor.edit(read_image(frames[at].photo), {}, one).source;
    for (size_t a = 0; a < seen.size(); ++a) votes[a] += seen[a].second ? 1 : 0;
    ++asked;
  }
  for (size_t a = 0; a < votes.size(); ++a) film.source.emplace_back(editor.attributes().names()[a], 2 * votes[a] > asked);
  return film;
}

}  // namespace secgan::cli
