#include "secgan/image/transforms.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {
namespace {

/// Whole numbers separated by commas; empty when the text is anything else.
std::vector<int64_t> numbers(std::string_view text) {
  std::vector<int64_t> out;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    int64_t value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc{}) return {};
    out.push_back(value);
    if (next == end) return out;
    if (*next != ',') return {};
    at = next + 1;
  }
}

constexpr PhotoSize kCelebA{178, 218};

/// CelebA's photos, or their halves or doubles, of which a square of `side` pixels keeps more than half.
PhotoSize celeba_like(int64_t side) {
  side = std::min(side, int64_t{1} << 30);  // larger ones keep the whole
  PhotoSize size = kCelebA;
  while (size.width < side) size = {size.width * 2, size.height * 2};
  while (size.width / 2 >= side) size = {size.width / 2, size.height / 2};
  return size;
}

/// A length in a photo, of one in the data set's photos.
int64_t scaled(int64_t length, int64_t photo, int64_t of) {
  return std::llround(static_cast<double>(length) * static_cast<double>(photo) / static_cast<double>(of));
}

}  // namespace

Crop parse_crop(std::string_view text) {
  if (text == "none") return {Crop::Kind::kNone, 0, {}};
  if (text == "center") return {};
  if (text.starts_with("center:")) {
    const auto side = numbers(text.substr(7));
    if (side.size() == 1 && side[0] > 0) return {Crop::Kind::kCenter, side[0], {}};
  }
  if (text.starts_with("box:")) {
    const auto box = numbers(text.substr(4));
    if (box.size() == 4 && box[0] >= 0 && box[1] >= 0 && box[2] > 0 && box[3] > 0) {
      return {Crop::Kind::kBox, 0, {box[0], box[1], box[2], box[3]}};
    }
  }
  throw InvalidArgument(fmt::format("crop '{}' is none of: none, center, center:SIDE, box:x,y,w,h", text));
}

std::string to_string(const Crop& crop) {
  switch (crop.kind) {
    case Crop::Kind::kNone: return "none";
    case Crop::Kind::kCenter: return crop.side > 0 ? fmt::format("center:{}", crop.side) : "center";
    case Crop::Kind::kBox: break;
  }
  return fmt::format("box:{},{},{},{}", crop.box.x, crop.box.y, crop.box.width, crop.box.height);
}

Rect crop_rect(const Crop& crop, int64_t width, int64_t height) {
  Rect rect{0, 0, width, height};
  if (crop.kind == Crop::Kind::kCenter) {
    const int64_t side = crop.side > 0 ? crop.side : std::min(width, height);
    rect = {(width - side) / 2, (height - side) / 2, side, side};
  } else if (crop.kind == Crop::Kind::kBox) {
    rect = crop.box;
  }
  // Differences, not sums: a box from a command line may be as large as a number can be.
  const bool inside = rect.x >= 0 && rect.y >= 0 && rect.x <= width - rect.width && rect.y <= height - rect.height;
  if (!inside) {
    throw InvalidArgument(
        fmt::format("crop {} must lie inside the photo: {} x {} pixels from ({}, {}) leave its {} x {}; 'center' is the largest central "
                    "square of every photo",
                    to_string(crop), rect.width, rect.height, rect.x, rect.y, width, height));
  }
  return rect;
}

PhotoSize parse_photo_size(std::string_view text) {
  if (text.empty()) return {};
  if (const size_t by = text.find('x'); by != std::string_view::npos) {
    const auto width = numbers(text.substr(0, by)), height = numbers(text.substr(by + 1));
    if (width.size() == 1 && height.size() == 1 && width[0] > 0 && height[0] > 0) return {width[0], height[0]};
  }
  throw InvalidArgument(fmt::format("photo_size '{}' is not of the form 178x218", text));
}

std::string to_string(const PhotoSize& size) { return size.known() ? fmt::format("{}x{}", size.width, size.height) : ""; }

Rect crop_rect_of_any(const Crop& crop, const PhotoSize& of, int64_t width, int64_t height) {
  const bool in_pixels = crop.kind == Crop::Kind::kBox || (crop.kind == Crop::Kind::kCenter && crop.side > 0);
  if (!in_pixels || of == PhotoSize{width, height}) return crop_rect(crop, width, height);
  if (crop.kind == Crop::Kind::kBox) {
    if (!of.known()) return crop_rect(crop, width, height);
    crop_rect(crop, of.width, of.height);
    const auto left = scaled(crop.box.x, width, of.width), top = scaled(crop.box.y, height, of.height);
    const auto right = scaled(crop.box.x + crop.box.width, width, of.width),
               bottom = scaled(crop.box.y + crop.box.height, height, of.height);
    return crop_rect({Crop::Kind::kBox, 0, {left, top, std::max<int64_t>(right - left, 1), std::max<int64_t>(bottom - top, 1)}}, width,
                     height);
  }
  const PhotoSize data = of.known() ? of : celeba_like(crop.side);
  const int64_t shorter = std::min(width, height);
  if (width == height && data.width != data.height) return {0, 0, width, height};
  return crop_rect(
      {Crop::Kind::kCenter, std::clamp<int64_t>(scaled(crop.side, shorter, std::min(data.width, data.height)), 1, shorter), {}}, width,
      height);
}

at::Tensor crop_image(const at::Tensor& image, const Rect& rect) {
  return image.narrow(-2, rect.y, rect.height).narrow(-1, rect.x, rect.width);
}

at::Tensor resize_image(const at::Tensor& image, int64_t height, int64_t width) {
  check_shape(image, "image", {3, kAny, kAny}, "[3, H, W]");
  if (image.size(1) == height && image.size(2) == width) return image.contiguous();
  // As it lies: decoders give pixels side by side, which need not be put into planes and back.
  const auto layout = image.stride(0) == 1 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  return at::_upsample_bilinear2d_aa(image.unsqueeze(0).contiguous(layout), {height, width}, /*align_corners=*/false)[0].contiguous();
}

at::Tensor resize_mask(const at::Tensor& mask, int64_t height, int64_t width) {
  check_shape(mask, "mask", {kAny, kAny}, "[H, W]");
  return at::_upsample_nearest_exact2d(mask.unsqueeze(0).unsqueeze(0).contiguous(), {height, width})[0][0];
}

at::Tensor to_float(const at::Tensor& image) { return image.to(at::kFloat).div(127.5).sub_(1); }

at::Tensor to_bytes(const at::Tensor& image) {
  const at::Tensor values = image.detach().to(at::kFloat);
  // They would be black.
  if (!at::isfinite(values).all().item<bool>())
    throw Error("the picture is not finite: a network's weights, or what it was given, are broken");
  return values.add(1).mul_(127.5).round_().clamp_(0, 255).to(at::kByte);
}

at::Tensor image_grid(const std::vector<std::vector<at::Tensor>>& rows, int64_t gap) {
  size_t columns = 0;
  for (const auto& row : rows) columns = std::max(columns, row.size());
  if (columns == 0) throw InvalidArgument("a grid needs at least one picture");
  const at::Tensor* first = nullptr;
  for (const auto& row : rows) {
    for (const at::Tensor& cell : row) {
      if (first == nullptr) first = &cell;
      check_same_shape(*first, "the grid's first picture", cell, "another");
    }
  }
  const int64_t height = first->size(1), width = first->size(2);
  const auto count = static_cast<int64_t>(rows.size()), across = static_cast<int64_t>(columns);
  at::Tensor grid = at::full({3, count * (height + gap) - gap, across * (width + gap) - gap}, 255, at::kByte);
  for (int64_t r = 0; r < count; ++r) {
    const auto& row = rows[static_cast<size_t>(r)];
    for (int64_t c = 0; c < static_cast<int64_t>(row.size()); ++c) {
      crop_image(grid, {c * (width + gap), r * (height + gap), width, height}).copy_(row[static_cast<size_t>(c)]);
    }
  }
  return grid;
}

}  // namespace secgan
