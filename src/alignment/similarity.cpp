#include "secgan/alignment/similarity.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <numeric>

#include "secgan/core/error.hpp"

namespace secgan {
namespace {

/// A similarity of the plane is z -> turn * z + move, so that the fit is a regression in one complex unknown.
using Place = std::complex<double>;

Place place_of(const PhotoPoint& point) { return {point.x, point.y}; }

Place center_of(const FivePoints& points) {
  return std::accumulate(points.begin(), points.end(), Place(),
                         [](const Place& sum, const PhotoPoint& one) { return sum + place_of(one); }) /
         static_cast<double>(points.size());
}

bool finite(const FivePoints& points) {
  return std::ranges::all_of(points, [](const PhotoPoint& one) { return std::isfinite(one.x) && std::isfinite(one.y); });
}

}  // namespace

PhotoPoint Similarity::operator()(const PhotoPoint& point) const {
  return {a * point.x - b * point.y + right, b * point.x + a * point.y + down};
}

double Similarity::scale() const { return std::hypot(a, b); }

double Similarity::degrees() const { return std::atan2(b, a) * 180 / std::numbers::pi; }

Similarity Similarity::inverse() const {
  const double square = a * a + b * b;
  const Similarity turned{.a = a / square, .b = -b / square};
  const PhotoPoint origin = turned({right, down});
  return {.a = turned.a, .b = turned.b, .right = -origin.x, .down = -origin.y};
}

Similarity fit_similarity(const FivePoints& from, const FivePoints& to) {
  if (!finite(from) || !finite(to)) throw InvalidArgument("points of a face must be finite");
  const Place source = center_of(from), target = center_of(to);
  Place along;
  double spread = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    const Place at = place_of(from[i]) - source;
    along += std::conj(at) * (place_of(to[i]) - target);
    spread += std::norm(at);
  }
  if (spread == 0 || along == Place()) throw InvalidArgument("points of a face must not all lie in one place");
  const Place turn = along / spread, move = target - turn * source;
  return {.a = turn.real(), .b = turn.imag(), .right = move.real(), .down = move.imag()};
}

}  // namespace secgan
