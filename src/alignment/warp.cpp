#include "secgan/alignment/warp.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "alignment/corners.hpp"
#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {
namespace {

constexpr int64_t kBilinear = 0, kNearest = 1;               // of grid_sampler_2d
constexpr int64_t kZeros = 0, kBorder = 1, kReflection = 2;  // what it pads with

/// The pixels of the photo that the quad can touch, `margin` more on each side; of no width where it lies outside.
Rect bounds(const AlignedPlace& place, int64_t width, int64_t height, double margin) {
  double left = HUGE_VAL, top = HUGE_VAL, right = -HUGE_VAL, bottom = -HUGE_VAL;
  for (const PhotoPoint& corner : quad(place)) {
    left = std::min(left, corner.x);
    top = std::min(top, corner.y);
    right = std::max(right, corner.x);
    bottom = std::max(bottom, corner.y);
  }
  const auto first = [&](double from, int64_t length) {
    return static_cast<int64_t>(std::floor(std::clamp(from - margin, 0.0, static_cast<double>(length))));
  };
  const auto last = [&](double to, int64_t length) {
    return static_cast<int64_t>(std::ceil(std::clamp(to + 1 + margin, 0.0, static_cast<double>(length))));
  };
  const int64_t x = first(left, width), y = first(top, height);
  return {x, y, std::max<int64_t>(last(right, width) - x, 0), std::max<int64_t>(last(bottom, height) - y, 0)};
}

/// Where pixels of the aligned picture lie in the data set's photo, along one side.
at::Tensor layout_places(int64_t pixels, int64_t begin, int64_t length) {
  return (at::arange(pixels, at::kDouble) + 0.5) * (static_cast<double>(length) / static_cast<double>(pixels)) +
         (static_cast<double>(begin) - 0.5);
}

/// Places of all pixels of a picture, moved.
/// @param x [W], y [H]   @return two of [H, W]
std::pair<at::Tensor, at::Tensor> moved(const Similarity& by, const at::Tensor& x, const at::Tensor& y) {
  const at::Tensor across = x.unsqueeze(0), down = y.unsqueeze(1);
  return {across * by.a - down * by.b + by.right, across * by.b + down * by.a + by.down};
}

/// Pixel numbers as grid_sampler_2d takes them: -1 and 1 are the outer edges.
at::Tensor normalized(const at::Tensor& places, int64_t pixels) { return (places * 2 + 1) / static_cast<double>(pixels) - 1; }

/// Where the photo's pixels in `box` lie in the aligned picture, normalized.
std::pair<at::Tensor, at::Tensor> places_in(const AlignedPlace& place, const Rect& box) {
  const auto along = [](int64_t begin, int64_t length) { return at::arange(begin, begin + length, at::kDouble); };
  const auto [x, y] = moved(place.to_layout, along(box.x, box.width), along(box.y, box.height));
  return {normalized(x - static_cast<double>(place.crop.x), place.crop.width),
          normalized(y - static_cast<double>(place.crop.y), place.crop.height)};
}

at::Tensor sampled(const at::Tensor& picture, const at::Tensor& x, const at::Tensor& y, int64_t how, int64_t padding) {
  const at::Tensor grid = at::stack({x, y}, 2).to(at::kFloat).unsqueeze(0);
  return at::grid_sampler_2d(picture.unsqueeze(0), grid, how, padding, /*align_corners=*/false)[0];
}

at::Tensor within(const at::Tensor& x, const at::Tensor& y) { return (x.abs() < 1).logical_and(y.abs() < 1); }

/// Adds to the photo's pixels within the quad what `change` makes of maps of the aligned picture, sampled there, and of the pixels.
void add(const at::Tensor& photo, const AlignedPlace& place, const at::Tensor& maps, const auto& change) {
  check_shape(photo, "photo", {3, kAny, kAny}, "[3, H, W]");
  const Rect box = bounds(place, photo.size(2), photo.size(1), 0);
  if (box.width == 0 || box.height == 0) return;
  const auto [x, y] = places_in(place, box);
  const at::Tensor part = crop_image(photo, box), before = part.to(at::kFloat);
  const at::Tensor added = change(sampled(maps, x, y, kBilinear, kBorder), before);
  part.copy_((before + added.where(within(x, y), at::zeros({}))).round().clamp(0, 255));
}

}  // namespace

AlignedPlace aligned_place(const Similarity& to_layout, const Rect& crop) {
  constexpr double kLongest = 2048;
  const double longer = static_cast<double>(std::max(crop.width, crop.height)) / to_layout.scale();
  const double scale = to_layout.scale() * std::max(1.0, longer / kLongest);
  const auto pixels = [&](int64_t length) { return std::max<int64_t>(std::llround(static_cast<double>(length) / scale), 1); };
  return {to_layout, crop, pixels(crop.width), pixels(crop.height)};
}

std::array<PhotoPoint, 4> quad(const AlignedPlace& place) {
  const Similarity to_photo = place.to_layout.inverse();
  std::array<PhotoPoint, 4> out = corners(place.crop);
  std::ranges::transform(out, out.begin(), to_photo);
  return out;
}

double share_inside(const AlignedPlace& place, int64_t width, int64_t height) {
  const auto [x, y] = moved(place.to_layout.inverse(), layout_places(place.width, place.crop.x, place.crop.width),
                            layout_places(place.height, place.crop.y, place.crop.height));
  return within(normalized(x, width), normalized(y, height)).to(at::kDouble).mean().item<double>();
}

at::Tensor cut_out(const at::Tensor& photo, const AlignedPlace& place) {
  check_shape(photo, "photo", {3, kAny, kAny}, "[3, H, W]");
  const Rect box = bounds(place, photo.size(2), photo.size(1), 2);
  if (box.width == 0 || box.height == 0) throw InvalidArgument("the face lies outside of the photo");
  const auto [x, y] = moved(place.to_layout.inverse(), layout_places(place.width, place.crop.x, place.crop.width),
                            layout_places(place.height, place.crop.y, place.crop.height));
  const at::Tensor part = crop_image(photo, box).to(at::kFloat);
  return sampled(part, normalized(x - static_cast<double>(box.x), box.width), normalized(y - static_cast<double>(box.y), box.height),
                 kBilinear, kReflection)
      .round()
      .clamp(0, 255)
      .to(at::kByte);
}

void put_back(const at::Tensor& photo, const AlignedPlace& place, const at::Tensor& change, const at::Tensor& weights) {
  check_shape(change, "change", {3, place.height, place.width}, "[3, height, width]");
  check_shape(weights, "weights", {place.height, place.width}, "[height, width]");
  const at::Tensor wanted = change.to(at::kFloat) * weights.to(at::kFloat);
  add(photo, place, wanted, [](const at::Tensor& added, const at::Tensor&) { return added; });
}

void put_over(const at::Tensor& photo, const AlignedPlace& place, const at::Tensor& picture, const at::Tensor& weights) {
  check_shape(picture, "picture", {3, place.height, place.width}, "[3, height, width]");
  check_shape(weights, "weights", {place.height, place.width}, "[height, width]");
  const at::Tensor both = at::cat({picture.to(at::kFloat), weights.to(at::kFloat).unsqueeze(0)});
  add(photo, place, both,
      [](const at::Tensor& shown, const at::Tensor& part) { return (shown.narrow(0, 0, 3) - part) * shown.narrow(0, 3, 1); });
}

void put_back_classes(const at::Tensor& mask, const AlignedPlace& place, const at::Tensor& ids) {
  check_shape(mask, "mask", {kAny, kAny}, "[H, W]");
  check_shape(ids, "ids", {place.height, place.width}, "[height, width]");
  const Rect box = bounds(place, mask.size(1), mask.size(0), 0);
  if (box.width == 0 || box.height == 0) return;
  const auto [x, y] = places_in(place, box);
  const at::Tensor part = crop_image(mask, box), put = sampled(ids.unsqueeze(0).to(at::kFloat), x, y, kNearest, kZeros)[0].to(at::kByte);
  part.copy_(put.where(within(x, y), part));
}

}  // namespace secgan
