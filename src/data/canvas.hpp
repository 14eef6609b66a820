#pragma once
/// A small rasteriser: shapes as signed distances, painted with analytic coverage over color and class id at once.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace secgan::drawing {

struct Point {
  float x = 0, y = 0;
};
inline Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
inline Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
inline Point operator*(float s, Point p) { return {s * p.x, s * p.y}; }
inline float length(Point p) { return std::sqrt(p.x * p.x + p.y * p.y); }

/// Linear RGB is not needed for flat pictures: components are plain 0 to 1.
struct Color {
  float r = 0, g = 0, b = 0;
};
inline Color operator*(float s, Color c) { return {s * c.r, s * c.g, s * c.b}; }
inline Color mix(Color a, Color b, float share) {
  return {a.r + share * (b.r - a.r), a.g + share * (b.g - a.g), a.b + share * (b.b - a.b)};
}

/// A rectangle in the shape's coordinates that encloses it.
struct Bounds {
  Point low, high;
};

/// Signed distances: negative inside. Exact or first-order near the edge, which is where coverage looks.
inline float ellipse(Point p, Point radii) {
  const float k0 = length({p.x / radii.x, p.y / radii.y});
  const float k1 = length({p.x / (radii.x * radii.x), p.y / (radii.y * radii.y)});
  return k1 > 1e-6f ? k0 * (k0 - 1) / k1 : -std::min(radii.x, radii.y);
}
inline float rounded_box(Point p, Point half, float radius) {
  const Point q{std::abs(p.x) - half.x + radius, std::abs(p.y) - half.y + radius};
  return length({std::max(q.x, 0.0f), std::max(q.y, 0.0f)}) + std::min(std::max(q.x, q.y), 0.0f) - radius;
}
inline float segment(Point p, Point a, Point b, float radius) {
  const Point pa = p - a, ba = b - a;
  const float t = std::clamp((pa.x * ba.x + pa.y * ba.y) / std::max(ba.x * ba.x + ba.y * ba.y, 1e-9f), 0.0f, 1.0f);
  return length(pa - t * ba) - radius;
}

class Canvas {
 public:
  Canvas(int side, uint8_t background_class)
      : side_(side), colors_(static_cast<size_t>(side) * static_cast<size_t>(side)), classes_(colors_.size(), background_class) {}

  /// From now on, shapes stand in coordinates with this origin (in sides of the canvas), scale and rotation.
  void place(Point origin, float scale, float angle) {
    origin_ = origin;
    scale_ = scale;
    cos_ = std::cos(angle);
    sin_ = std::sin(angle);
  }

  static constexpr int kKeepClass = -1;

  /// @param distance  Point -> signed distance   @param color  Point -> Color
  /// @param class_id  written where the shape covers at least half a pixel; kKeepClass leaves the mask alone
  template <class Distance, class Paint>
  void fill(Bounds bounds, Distance&& distance, Paint&& color, int class_id, float opacity = 1) {
    const float pixels = scale_ * static_cast<float>(side_);  // per unit of the shape's coordinates
    // The rotated bounds' own bounds, with a pixel of anti-aliasing around.
    float low_x = 1e9f, low_y = 1e9f, high_x = -1e9f, high_y = -1e9f;
    for (const Point corner : {bounds.low, bounds.high, Point{bounds.low.x, bounds.high.y}, Point{bounds.high.x, bounds.low.y}}) {
      const float x = (origin_.x + scale_ * (cos_ * corner.x - sin_ * corner.y)) * static_cast<float>(side_);
      const float y = (origin_.y + scale_ * (sin_ * corner.x + cos_ * corner.y)) * static_cast<float>(side_);
      low_x = std::min(low_x, x), low_y = std::min(low_y, y), high_x = std::max(high_x, x), high_y = std::max(high_y, y);
    }
    const int x0 = std::max(0, static_cast<int>(std::floor(low_x)) - 1), x1 = std::min(side_ - 1, static_cast<int>(std::ceil(high_x)) + 1);
    const int y0 = std::max(0, static_cast<int>(std::floor(low_y)) - 1), y1 = std::min(side_ - 1, static_cast<int>(std::ceil(high_y)) + 1);
    for (int row = y0; row <= y1; ++row) {
      for (int column = x0; column <= x1; ++column) {
        const Point p = local(row, column);
        const float coverage = std::clamp(0.5f - distance(p) * pixels, 0.0f, 1.0f);
        if (coverage <= 0) continue;
        const size_t at = static_cast<size_t>(row) * static_cast<size_t>(side_) + static_cast<size_t>(column);
        colors_[at] = mix(colors_[at], color(p), coverage * opacity);
        if (class_id != kKeepClass && coverage >= 0.5f) classes_[at] = static_cast<uint8_t>(class_id);
      }
    }
  }

  int side() const { return side_; }
  const std::vector<Color>& colors() const { return colors_; }
  const std::vector<uint8_t>& classes() const { return classes_; }

 private:
  Point local(int row, int column) const {
    const float inverse = 1 / static_cast<float>(side_);
    const Point from{(static_cast<float>(column) + 0.5f) * inverse - origin_.x, (static_cast<float>(row) + 0.5f) * inverse - origin_.y};
    return (1 / scale_) * Point{cos_ * from.x + sin_ * from.y, -sin_ * from.x + cos_ * from.y};
  }

  int side_;
  std::vector<Color> colors_;
  std::vector<uint8_t> classes_;
  Point origin_{0, 0};
  float scale_ = 1, cos_ = 1, sin_ = 0;
};

}  // namespace secgan::drawing
