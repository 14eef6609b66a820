#pragma once
/// How far two answers to where a face is lie from each other.

#include <cmath>

#include "secgan/alignment/similarity.hpp"

namespace secgan::detail {

/// The points' mean distance from the other's, in distances of these eyes.  @return NaN where those lie in one place, and so do all points
inline double apart(const FivePoints& points, const FivePoints& other) {
  double sum = 0;
  for (size_t i = 0; i < points.size(); ++i) sum += std::hypot(points[i].x - other[i].x, points[i].y - other[i].y);
  return sum / static_cast<double>(points.size()) / std::hypot(points[1].x - points[0].x, points[1].y - points[0].y);
}

/// Answers that differ by less are one face's.
inline constexpr double kOneFace = 0.25;

}  // namespace secgan::detail
