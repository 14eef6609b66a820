#include "cli/film.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <iostream>
#include <set>
#include <string_view>

#include "core/format.hpp"
#include "film/film_file.hpp"
#include "secgan/alignment/detector_file.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/report/progress.hpp"

namespace secgan::cli {
namespace {

/// Runs of digits compare as numbers, all else by its bytes.
bool less_by_number(std::string_view a, std::string_view b) {
  const auto digits = [](std::string_view text) { return std::min(text.find_first_not_of("0123456789"), text.size()); };
  while (!a.empty() && !b.empty()) {
    const size_t in_a = digits(a), in_b = digits(b);
    if (in_a > 0 && in_b > 0) {
      const auto number = [](std::string_view run) { return run.substr(std::min(run.find_first_not_of('0'), run.size() - 1)); };
      const std::string_view left = number(a.substr(0, in_a)), right = number(b.substr(0, in_b));
      if (left.size() != right.size()) return left.size() < right.size();
      if (left != right) return left < right;
      a.remove_prefix(in_a);
      b.remove_prefix(in_b);
    } else {
      if (a.front() != b.front()) return static_cast<uint8_t>(a.front()) < static_cast<uint8_t>(b.front());
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  return a.size() < b.size();
}

/// One opinion for all: where frames differ, an attribute would be added to some and left alone in others.
NamedLabels shown_by_most(const Editor& editor, const Frames& frames, const Film& film, const EditOptions& how) {
  constexpr size_t kAsked = 16;
  std::set<size_t> asked;
  for (size_t i = 0; i < kAsked; ++i) asked.insert(i * film.frames / kAsked);
  std::vector<int64_t> votes(static_cast<size_t>(editor.attributes().size()));
  int64_t answers = 0;
  size_t frame = 0;
  frames.each([&](const at::Tensor& picture) {
    const size_t at = frame++;
    if (asked.contains(at)) {
      EditOptions one = how;
      if (how.faces) one.faces = known_face(film.faces.at(at));
      if (!how.faces || one.faces) {
        const NamedLabels seen = editor.edit(picture, {}, one).source;
        for (size_t a = 0; a < seen.size(); ++a) votes[a] += seen[a].second ? 1 : 0;
        ++answers;
      }
    }
    return at < *asked.rbegin();
  });
  NamedLabels out;
  for (size_t a = 0; a < votes.size(); ++a) out.emplace_back(editor.attributes().names()[a], 2 * votes[a] > answers);
  return out;
}

}  // namespace

std::optional<FaceSearch> known_face(const std::optional<Face>& face) {
  if (!face) return std::nullopt;
  return FaceSearch{.known = std::vector{*face}, .unless_aligned = false};
}

void order_by_number(std::vector<PhotoOutputs>& files) {
  const auto name = [](const PhotoOutputs& one) { return one.photo.string(); };
  if (std::ranges::is_sorted(files, {}, name)) std::ranges::stable_sort(files, less_by_number, name);
}

Frames frames_of(const std::vector<PhotoOutputs>& files) {
  std::vector<std::filesystem::path> photos;
  for (const PhotoOutputs& one : files) photos.push_back(one.photo);
  return {.count = std::ssize(photos),
          .each =
              [photos](const std::function<bool(const at::Tensor& picture)>& use) {
                for (const auto& photo : photos) {
                  if (!use(read_image(photo))) return;
                }
              },
          .name = [photos](size_t frame) { return fmt::format("'{}'", photos.at(frame).string()); }};
}

Frames frames_of(const std::filesystem::path& film) {
  return {.count = inspect_film(film).frames,
          .each =
              [film](const std::function<bool(const at::Tensor& picture)>& use) {
                read_film(film, [&](const FilmFrame& frame) { return use(frame.picture); });
              },
          .name = [film](size_t frame) { return fmt::format("frame {} of '{}'", frame + 1, film.string()); }};
}

Film look_at_film(const Editor& editor, const Frames& frames, const EditOptions& how) {
  if (how.faces && how.faces->choice.kind == FaceChoice::Kind::kAll)
    throw InvalidArgument("--film follows one face: --face largest, or a number");
  Film film;
  std::vector<std::vector<Face>> found;
  {
    Progress progress("frames", 0, frames.count, std::cerr);
    const FaceDetector detector = !how.faces ? FaceDetector() : how.faces->detector ? how.faces->detector : installed_detector();
    std::vector<int64_t> first;
    frames.each([&](const at::Tensor& picture) {
      if (first.empty()) first = picture.sizes().vec();
      if (picture.sizes() != at::IntArrayRef(first)) {
        throw InvalidArgument(fmt::format("--film: {} has {} x {} pixels, {} has {} x {}: frames of one film are of one size",
                                          frames.name(film.frames), picture.size(2), picture.size(1), frames.name(0), first[2], first[1]));
      }
      ++film.frames;
      if (detector) found.push_back(find_faces(detector, picture).faces);
      progress.update(static_cast<int64_t>(film.frames), 1, detector ? "looked for faces in" : "read");
      return true;
    });
  }
  if (how.faces) film.faces = smoothed(follow_face(found, how.faces->choice));
  film.source = how.source ? *how.source : shown_by_most(editor, frames, film, how);
  return film;
}

}  // namespace secgan::cli
