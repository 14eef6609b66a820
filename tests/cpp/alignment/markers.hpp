#pragma once
/// A detector for tests: faces are five squares of given colors, and stand upright where their eyes lie above their mouths.

#include <torch/torch.h>

#include <array>
#include <cmath>
#include <vector>

#include "secgan/alignment/faces.hpp"
#include "secgan/alignment/layout.hpp"

namespace secgan::testing {

/// The layout's points somewhere in a photo: from CelebA's 178 x 218, turned by `degrees`, `scale` times as large, its middle at (x, y).
inline Similarity from_celeba(double degrees, double scale, double x, double y) {
  const double radians = degrees * std::acos(-1.0) / 180;
  Similarity out{.a = scale * std::cos(radians), .b = scale * std::sin(radians)};
  const PhotoPoint middle = out({89, 109});
  return {.a = out.a, .b = out.b, .right = x - middle.x, .down = y - middle.y};
}

inline FivePoints celeba_points(const Similarity& to_photo) {
  FivePoints points = celeba_layout().points;
  for (PhotoPoint& point : points) point = to_photo(point);
  return points;
}

inline Face face_at(const Similarity& to_photo) {
  const PhotoPoint middle = to_photo({89, 120});
  const double reach = 50 * to_photo.scale();
  return {middle.x - reach, middle.y - reach, middle.x + reach, middle.y + reach, 1, celeba_points(to_photo)};
}

/// Waves of all colors, without the markers' own.
inline at::Tensor drawn_photo(int64_t height, int64_t width) {
  const at::Tensor x = at::arange(width, at::kFloat).unsqueeze(0), y = at::arange(height, at::kFloat).unsqueeze(1);
  return at::stack({120 + 60 * (x / 9 + y / 31).sin(), 110 + 50 * (y / 12 - x / 40).cos(), 130 + 70 * (x / 23).sin() * (y / 17).cos()})
      .to(at::kByte);
}

constexpr int64_t kMark = 9;

/// Paints the five points: green 255, red 10 for the first, 20 for the second, …
inline void mark(const at::Tensor& photo, const FivePoints& points) {
  for (int64_t i = 0; i < 5; ++i) {
    const auto& [x, y] = points.at(static_cast<size_t>(i));
    const at::Tensor square = photo.narrow(1, std::llround(y) - kMark / 2, kMark).narrow(2, std::llround(x) - kMark / 2, kMark);
    square[0].fill_(10 * (i + 1));
    square[1].fill_(255);
    square[2].fill_(0);
  }
}

/// The one face that is marked, if it stands upright.
inline std::vector<Face> find_marked(const at::Tensor& photo) {
  FivePoints points;
  for (int64_t i = 0; i < 5; ++i) {
    const at::Tensor found = (photo[0] == 10 * (i + 1)).logical_and(photo[1] == 255).logical_and(photo[2] == 0).nonzero();
    if (found.size(0) == 0) return {};
    const at::Tensor center = found.to(at::kDouble).mean(0);
    points.at(static_cast<size_t>(i)) = {center[1].item<double>(), center[0].item<double>()};
  }
  const double down = points[3].y + points[4].y - points[0].y - points[1].y;
  if (down <= std::abs(points[3].x + points[4].x - points[0].x - points[1].x)) return {};
  const double reach = down;
  return {{points[2].x - reach, points[2].y - reach, points[2].x + reach, points[2].y + reach, 1, points}};
}

}  // namespace secgan::testing
