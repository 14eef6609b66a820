#include "secgan/alignment/path.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/format.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

double eye_distance(const Face& face) { return std::hypot(face.points[1].x - face.points[0].x, face.points[1].y - face.points[0].y); }

/// The mean over the points.
double distance(const Face& a, const Face& b) {
  double sum = 0;
  for (size_t i = 0; i < a.points.size(); ++i) sum += std::hypot(a.points[i].x - b.points[i].x, a.points[i].y - b.points[i].y);
  return sum / static_cast<double>(a.points.size());
}

/// Weights with which the values at `times` give, at time 0, the value of the parabola through them; of a line or a mean where they are
/// too few.
std::vector<double> weights_at_zero(const std::vector<double>& times, double reach) {
  const at::Tensor time = at::tensor(times, at::kDouble) / (reach + 1);
  const auto terms = std::min<int64_t>(std::ssize(times), 3);
  const at::Tensor powers = time.unsqueeze(1).pow(at::arange(terms, at::kDouble));
  const at::Tensor root = (1 - time.abs().pow(3)).pow(1.5);  // of the tricube weights
  // The first coefficient of the fit is the value at 0; it is linear in the values.
  const at::Tensor weights = (at::linalg_pinv(root.unsqueeze(1) * powers)[0] * root).contiguous();
  const auto* const values = weights.const_data_ptr<double>();
  return {values, values + weights.numel()};
}

}  // namespace

FacePath follow_face(const std::vector<std::vector<Face>>& frames, const FaceChoice& choice) {
  if (choice.kind == FaceChoice::Kind::kAll) throw InvalidArgument("a film follows one face: the largest, or one by its number");
  FacePath path(frames.size());
  const Face* last = nullptr;
  size_t seen = 0, most = 0;
  for (size_t t = 0; t < frames.size(); ++t) {
    const std::vector<Face>& faces = frames[t];
    most = std::max(most, faces.size());
    if (last == nullptr) {
      const auto wanted = static_cast<size_t>(choice.kind == FaceChoice::Kind::kNumber ? choice.number : 1);
      if (faces.size() < wanted) continue;
      path[t] = faces[wanted - 1];
    } else {
      constexpr double kShare = 0.75;
      const double farthest = kShare * eye_distance(*last) * static_cast<double>(t - seen);
      const auto nearest = std::ranges::min_element(faces, {}, [&](const Face& face) { return distance(face, *last); });
      if (nearest == faces.end() || distance(*nearest, *last) > farthest) continue;
      path[t] = *nearest;
    }
    last = &*path[t];
    seen = t;
  }
  if (last == nullptr) {
    throw NoFaceFound(most == 0 ? "no face was found in any frame"
                                : fmt::format("face {} was asked for, and no frame has more than {}", choice.number, most),
                      most);
  }
  return path;
}

FacePath smoothed(const FacePath& path, int64_t reach) {
  if (reach < 1) throw InvalidArgument(fmt::format("reach must be at least 1, found {}", reach));
  FacePath out(path.size());
  const auto count = std::ssize(path);
  for (int64_t t = 0; t < count; ++t) {
    std::vector<double> times;
    std::vector<const Face*> faces;
    for (int64_t s = std::max<int64_t>(t - reach, 0); s <= std::min(t + reach, count - 1); ++s) {
      if (!path[static_cast<size_t>(s)]) continue;
      times.push_back(static_cast<double>(s - t));
      faces.push_back(&*path[static_cast<size_t>(s)]);
    }
    const auto& here = path[static_cast<size_t>(t)];
    const auto before = std::ranges::find_if(times.rbegin(), times.rend(), [](double time) { return time < 0; });
    const auto after = std::ranges::find_if(times, [](double time) { return time > 0; });
    const bool in_short_gap = before != times.rend() && after != times.end() && *after - *before - 1 <= static_cast<double>(reach);
    if (!here && !in_short_gap) continue;
    const std::vector<double> weights = weights_at_zero(times, static_cast<double>(reach));
    FivePoints points{};
    for (size_t f = 0; f < faces.size(); ++f) {
      for (size_t i = 0; i < points.size(); ++i) {
        points[i].x += weights[f] * faces[f]->points[i].x;
        points[i].y += weights[f] * faces[f]->points[i].y;
      }
    }
    out[static_cast<size_t>(t)] = face_of(points);
    if (here) out[static_cast<size_t>(t)]->score = here->score;
  }
  return out;
}

}  // namespace secgan
