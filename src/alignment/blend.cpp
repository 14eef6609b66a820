#include "secgan/alignment/blend.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "secgan/core/shape.hpp"

namespace secgan {
namespace {

/// From 0 to 1 without a corner.
at::Tensor smooth_step(const at::Tensor& values) {
  const at::Tensor t = values.clamp(0, 1);
  return t * t * (3 - 2 * t);
}

/// Centers of pixels along one side, in shares of it.
at::Tensor shares(int64_t pixels) { return (at::arange(pixels, at::kFloat) + 0.5) / static_cast<double>(pixels); }

at::Tensor ramp(int64_t pixels) {
  constexpr double kEighth = 8;
  const at::Tensor at = shares(pixels);
  return smooth_step(at::minimum(at, 1 - at) * kEighth);
}

/// A point of the data set's photo in the part that is cut out, in shares of its sides.
PhotoPoint in_shares(const PhotoPoint& point, const Rect& crop) {
  return {(point.x + 0.5 - static_cast<double>(crop.x)) / static_cast<double>(crop.width),
          (point.y + 0.5 - static_cast<double>(crop.y)) / static_cast<double>(crop.height)};
}

PhotoPoint mean_of(const FivePoints& points) {
  PhotoPoint sum;
  for (const auto& [x, y] : points) sum = {sum.x + x / 5, sum.y + y / 5};
  return sum;
}

double spread_of(const FivePoints& points) {
  const PhotoPoint center = mean_of(points);
  double sum = 0;
  for (const auto& [x, y] : points) sum += std::hypot(x - center.x, y - center.y);
  return sum / 5;
}

/// Distance from an upright ellipse's center, 1 at its edge; [height, width].
at::Tensor ellipse_distance(const FaceLayout& layout, const AlignedPlace& place, double up, double across, double down) {
  const double unit = spread_of(layout.points);
  PhotoPoint center = mean_of(layout.points);
  center.y -= up * unit;
  const PhotoPoint at = in_shares(center, place.crop);
  const at::Tensor x = (shares(place.width) - at.x) * (static_cast<double>(place.crop.width) / (across * unit));
  const at::Tensor y = (shares(place.height) - at.y) * (static_cast<double>(place.crop.height) / (down * unit));
  return (x.square().unsqueeze(0) + y.square().unsqueeze(1)).sqrt();
}

/// Averages over a square window, edges repeated.
at::Tensor blurred(const at::Tensor& map, int64_t reach) {
  const at::Tensor padded = at::replication_pad2d(map, {reach, reach, reach, reach});
  return at::avg_pool2d(padded, {2 * reach + 1, 2 * reach + 1}, {1, 1});
}

}  // namespace

at::Tensor edge_weights(int64_t height, int64_t width) { return ramp(height).unsqueeze(1) * ramp(width).unsqueeze(0); }

at::Tensor ellipse_weights(const FaceLayout& layout, const AlignedPlace& place) {
  // In the points' mean distance from their center, 24 pixels of CelebA's: 62 across and 84 down, from the hair to below the chin.
  constexpr double kSoft = 0.35;
  return smooth_step((1 + kSoft - ellipse_distance(layout, place, 0.5, 2.6, 3.5)) / kSoft);
}

at::Tensor head_weights(const at::Tensor& head, const FaceLayout& layout, const AlignedPlace& place) {
  check_shape(head, "head", {kAny, kAny}, "[h, w]");
  const int64_t side = std::max(head.size(0), head.size(1));
  const int64_t grown = std::max<int64_t>(side * 3 / 100, 1), soft = std::max<int64_t>(side * 3 / 100, 1);
  at::Tensor map = head.to(at::kFloat).unsqueeze(0).unsqueeze(0);
  map = at::max_pool2d(map, {2 * grown + 1, 2 * grown + 1}, {1, 1}, {grown, grown});
  map = at::upsample_bilinear2d(blurred(blurred(map, soft), soft), {place.height, place.width}, /*align_corners=*/false)[0][0];
  constexpr double kSoft = 0.5;
  const at::Tensor middle = smooth_step((1 + kSoft - ellipse_distance(layout, place, 0, 1.4, 1.7)) / kSoft);
  return at::maximum(smooth_step(map), middle);
}

at::Tensor own_weights(const FivePoints& own, const std::vector<FivePoints>& others, const AlignedPlace& place) {
  at::Tensor weights = at::ones({place.height, place.width});
  const auto distance = [&](const FivePoints& points) {
    const PhotoPoint at = in_shares(place.to_layout(mean_of(points)), place.crop);
    const double unit = spread_of(points) * place.to_layout.scale();
    const at::Tensor x = (shares(place.width) - at.x) * (static_cast<double>(place.crop.width) / unit);
    const at::Tensor y = (shares(place.height) - at.y) * (static_cast<double>(place.crop.height) / unit);
    return (x.square().unsqueeze(0) + y.square().unsqueeze(1)).sqrt();
  };
  const at::Tensor mine = distance(own);
  for (const FivePoints& other : others) {
    const at::Tensor theirs = distance(other);
    constexpr double kSoft = 0.2;  // of the way from one face to the other
    weights = at::minimum(weights, smooth_step(((theirs - mine) / (theirs + mine).clamp_min(1e-6)) / (2 * kSoft) + 0.5));
  }
  return weights;
}

}  // namespace secgan
