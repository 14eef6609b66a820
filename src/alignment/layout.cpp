#include "secgan/alignment/layout.hpp"

#include <algorithm>
#include <cmath>

#include "alignment/corners.hpp"

namespace secgan {
namespace {

FaceLayout scaled(const FaceLayout& layout, const PhotoSize& size) {
  FaceLayout out{size, layout.points};
  const double across = static_cast<double>(size.width) / static_cast<double>(layout.size.width);
  const double down = static_cast<double>(size.height) / static_cast<double>(layout.size.height);
  // By the pixels' edges, which scaling keeps, not their centers.
  for (PhotoPoint& point : out.points) point = {(point.x + 0.5) * across - 0.5, (point.y + 0.5) * down - 0.5};
  return out;
}

}  // namespace

FaceLayout celeba_layout(const PhotoSize& size) {
  return scaled({{178, 218}, {{{69.2, 111.4}, {107.9, 111.4}, {88.0, 135.4}, {71.4, 152.5}, {105.7, 152.5}}}}, size);
}

FaceLayout celeba_hq_layout(int64_t side) {
  return scaled({{1024, 1024}, {{{386, 485}, {643, 487}, {514, 631}, {400, 758}, {620, 759}}}}, {side, side});
}

bool is_celeba_shaped(const PhotoSize& size) { return std::abs(size.width * 218 - size.height * 178) <= (178 + 218) / 2; }

bool is_own_size(const FaceLayout& layout, const PhotoSize& size) {
  if (size == layout.size) return true;
  return is_celeba_shaped(layout.size) && (size == PhotoSize{178, 218} || size == PhotoSize{89, 109} || size == PhotoSize{356, 436});
}

Similarity align(const FivePoints& points, const FaceLayout& layout) { return fit_similarity(points, layout.points); }

double misalignment(const Similarity& to_layout, const Rect& crop, const Rect& place) {
  const Similarity to_photo = to_layout.inverse();
  const auto asked = corners(crop), given = corners(place);
  double sum = 0;
  for (size_t i = 0; i < asked.size(); ++i) {
    const PhotoPoint corner = to_photo(asked[i]);
    sum += std::pow(corner.x - given[i].x, 2) + std::pow(corner.y - given[i].y, 2);
  }
  return std::sqrt(sum / static_cast<double>(asked.size())) / static_cast<double>(std::max(place.width, place.height));
}

}  // namespace secgan
