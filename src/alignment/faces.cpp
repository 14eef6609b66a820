#include "secgan/alignment/faces.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "alignment/apart.hpp"
#include "core/counted.hpp"
#include "core/format.hpp"
#include "core/whole_number.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {
namespace {

using detail::apart;
using detail::kOneFace;

/// Where a point of the photo turned by at::rot90(photo, turns, {1, 2}) lies in the photo itself.
PhotoPoint turned_back(const PhotoPoint& point, int64_t turns, int64_t width, int64_t height) {
  const auto last_x = static_cast<double>(width - 1), last_y = static_cast<double>(height - 1);
  switch (turns) {
    case 1: return {last_x - point.y, point.x};
    case 2: return {last_x - point.x, last_y - point.y};
    case 3: return {point.y, last_y - point.x};
    default: return point;
  }
}

Face turned_back(const Face& face, int64_t turns, int64_t width, int64_t height) {
  const PhotoPoint first = turned_back(PhotoPoint{face.left, face.top}, turns, width, height);
  const PhotoPoint second = turned_back(PhotoPoint{face.right, face.bottom}, turns, width, height);
  Face out{std::min(first.x, second.x),
           std::min(first.y, second.y),
           std::max(first.x, second.x),
           std::max(first.y, second.y),
           face.score,
           face.points};
  for (PhotoPoint& point : out.points) point = turned_back(point, turns, width, height);
  return out;
}

/// Points that all lie in one place, or far from the photo, give no transform; a face without a point in the photo is none of its own.
bool usable(const Face& face, const at::Tensor& photo) {
  // Within a photo's extent of it, or in it.  @return false for NaN
  const auto within = [](double at, int64_t extent, double beyond) {
    const auto whole = static_cast<double>(extent);
    return at >= -beyond * whole && at <= (1 + beyond) * whole;
  };
  const auto there = [&](const PhotoPoint& point) { return within(point.x, photo.size(2), 1) && within(point.y, photo.size(1), 1); };
  const auto inside = [&](const PhotoPoint& point) { return within(point.x, photo.size(2), 0) && within(point.y, photo.size(1), 0); };
  const auto same = [&](const PhotoPoint& point) { return point == face.points[0]; };
  return face.area() > 0 && std::ranges::all_of(face.points, there) && std::ranges::any_of(face.points, inside) &&
         !std::ranges::all_of(face.points, same);
}

/// A face that the picture shows on its side or upside down, if its points are right. Detectors find some of those, and place them badly.
bool leans(const Face& face) {
  const auto& [left, right, nose, mouth_left, mouth_right] = face.points;
  const double down = mouth_left.y + mouth_right.y - left.y - right.y, across = mouth_left.x + mouth_right.x - left.x - right.x;
  return down < std::abs(across);
}

/// How much speaks for a picture's being upright.
double worth_of(const std::vector<Face>& faces) {
  return std::accumulate(faces.begin(), faces.end(), 0.0,
                         [](double all, const Face& face) { return all + face.score * (leans(face) ? 0.5 : 1.0); });
}

std::vector<Face> sure_ones(std::vector<Face> faces, const at::Tensor& photo, double least_score) {
  std::erase_if(faces, [&](const Face& face) { return !(face.score >= least_score) || !usable(face, photo); });
  std::ranges::stable_sort(faces, std::ranges::greater(), &Face::score);
  std::vector<Face> out;
  for (const Face& face : faces) {
    if (std::ranges::none_of(out, [&](const Face& other) { return apart(face.points, other.points) <= kOneFace; })) out.push_back(face);
  }
  return out;
}

/// How far the box leaves the photo, in pixels.
double beyond(const Face& face, const at::Tensor& photo) {
  const auto width = static_cast<double>(photo.size(2)), height = static_cast<double>(photo.size(1));
  return std::max({-face.left, -face.top, face.right - width, face.bottom - height, 0.0});
}

/// The faces of a photo as it stands. Where one leaves it, the photo is looked at once more with a gray margin: what a detector is shown of
/// a face at the edge is cut off or, by MTCNN's public versions, squeezed, and its points then lie far off.
std::vector<Face> seen(const FaceDetector& detector, const at::Tensor& photo, double least_score) {
  constexpr double kShare = 0.05;
  std::vector<Face> faces = sure_ones(detector(photo), photo, least_score);
  double margin = 0;
  for (const Face& face : faces) {
    const double side = std::max(face.right - face.left, face.bottom - face.top);
    if (beyond(face, photo) > kShare * side) margin = std::max(margin, side / 2);
  }
  const auto pixels = std::min(static_cast<int64_t>(margin), std::max(photo.size(1), photo.size(2)));
  if (pixels == 0) return faces;
  constexpr int64_t kGray = 127;
  const at::Tensor framed = at::constant_pad_nd(photo, {pixels, pixels, pixels, pixels}, kGray);
  std::vector<Face> again = sure_ones(detector(framed), framed, least_score);
  const auto by = static_cast<double>(pixels);
  for (Face& face : again) {
    face = {face.left - by, face.top - by, face.right - by, face.bottom - by, face.score, face.points};
    for (PhotoPoint& point : face.points) point = {point.x - by, point.y - by};
  }
  return again.size() >= faces.size() ? again : faces;
}

}  // namespace

Face face_of(const FivePoints& points) {
  double left = points[0].x, top = points[0].y, right = left, bottom = top;
  for (const auto& [x, y] : points) {
    left = std::min(left, x);
    top = std::min(top, y);
    right = std::max(right, x);
    bottom = std::max(bottom, y);
  }
  // A box from the brows to the chin is about twice as large.
  const double more = 0.5 * std::max(right - left, bottom - top);
  return {.left = left - more, .top = top - more, .right = right + more, .bottom = bottom + more, .points = points};
}

FoundFaces find_faces(const FaceDetector& detector, const at::Tensor& photo, double least_score) {
  check_shape(photo, "photo", {3, kAny, kAny}, "[3, H, W]");
  FoundFaces best;
  double worth_of_best = 0;
  for (const int64_t turns : {0, 1, 3, 2}) {
    const std::vector<Face> faces = seen(detector, turns == 0 ? photo : at::rot90(photo, turns, {1, 2}).contiguous(), least_score);
    if (const double worth = worth_of(faces); worth > worth_of_best) {
      worth_of_best = worth;
      best = {{}, turns};
      for (const Face& face : faces) best.faces.push_back(turned_back(face, turns, photo.size(2), photo.size(1)));
    }
    const bool certain = std::ranges::any_of(faces, [](const Face& face) { return face.score >= kCertainOfFace; });
    if (certain && std::ranges::none_of(faces, leans)) break;
  }
  std::ranges::stable_sort(best.faces, std::ranges::greater(), &Face::area);
  return best;
}

FaceChoice parse_face_choice(std::string_view text, std::string_view argument) {
  if (text == "largest") return {};
  if (text == "all") return {FaceChoice::Kind::kAll, 1};
  if (const auto number = whole_number(std::string(text)); number && *number >= 1) return {FaceChoice::Kind::kNumber, *number};
  throw InvalidArgument(fmt::format("{} '{}' is none of: largest, all, or a number from 1, by size", argument, text));
}

std::vector<size_t> chosen_faces(const FaceChoice& choice, const std::vector<Face>& faces) {
  const auto wanted = static_cast<size_t>(choice.number);
  if (faces.empty()) throw NoFaceFound("no face was found");
  if (choice.kind == FaceChoice::Kind::kNumber && wanted > faces.size())
    throw NoFaceFound(fmt::format("face {} was asked for, and {} found", wanted, counted(faces.size(), "face was", "faces were")),
                      faces.size());
  if (choice.kind == FaceChoice::Kind::kNumber) return {wanted - 1};
  std::vector<size_t> out(choice.kind == FaceChoice::Kind::kAll ? faces.size() : 1);
  std::iota(out.begin(), out.end(), size_t{0});
  return out;
}

}  // namespace secgan
