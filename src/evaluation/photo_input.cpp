#include "secgan/evaluation/photo_input.hpp"

#include <ATen/ATen.h>

#include <utility>
#include <vector>

#include "core/dtype.hpp"
#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/image/normalization.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {
namespace {

/// [N, 3, H, W] uint8 to [N, 3, H, W] float32 in [0, 1].
at::Tensor unit(const at::Tensor& bytes) { return bytes.to(at::kFloat).div_(255); }

/// Height and width that photos are brought to.
std::pair<int64_t, int64_t> target(const PhotoInput& input, int64_t height, int64_t width) {
  if (!input.shorter_side) return {input.size, input.size};
  // As torchvision's Resize cuts off the longer side's fraction.
  const auto longer = [&](int64_t shorter_side, int64_t longer_side) {
    return static_cast<int64_t>(static_cast<double>(input.size * longer_side) / static_cast<double>(shorter_side));
  };
  return height <= width ? std::pair(input.size, longer(height, width)) : std::pair(longer(width, height), input.size);
}

at::Tensor resized_bytes(const at::Tensor& photos, int64_t height, int64_t width) {
  std::vector<at::Tensor> out;
  for (const at::Tensor& photo : photos.unbind(0)) out.push_back(resize_image(photo, height, width));
  return at::stack(out);
}

}  // namespace

void PhotoInput::check() const {
  if (shorter_side && resize == ResizeFilter::kNone) throw InvalidArgument("shorter_side needs a resize filter, found none");
}

at::Tensor PhotoInput::operator()(const at::Tensor& photos) const {
  check_shape(photos, "photos", {kAny, 3, kAny, kAny}, "[N, 3, H, W]");
  if (photos.scalar_type() != at::kByte) {
    throw InvalidArgument(fmt::format("photos must be uint8 as files are, found {}", dtype_name(photos)));
  }
  if (photos.numel() == 0) {
    throw InvalidArgument(fmt::format("photos must not be empty, found [{}]", fmt::join(photos.sizes(), ", ")));
  }
  const auto [height, width] = target(*this, photos.size(2), photos.size(3));
  at::Tensor out;
  switch (resize) {
    case ResizeFilter::kNone:
      if (photos.size(2) != height || photos.size(3) != width) {
        throw InvalidArgument(
            fmt::format("photos must be {} x {} where resize is none, found {} x {}", width, height, photos.size(3), photos.size(2)));
      }
      out = unit(photos);
      break;
    case ResizeFilter::kBilinear: out = at::upsample_bilinear2d(unit(photos), {height, width}, /*align_corners=*/false); break;
    case ResizeFilter::kBilinearAntialias: out = unit(resized_bytes(photos, height, width)); break;
  }
  if (normalization == PhotoNormalization::kNone) return out.mul_(2).sub_(1);
  return normalize_imagenet(out);
}

std::string PhotoInput::describe() const {
  const std::string sides = shorter_side ? fmt::format("shorter side to {}", size) : fmt::format("{0} x {0}", size);
  const std::string_view filter = resize == ResizeFilter::kBilinear            ? "bilinear without antialias"
                                  : resize == ResizeFilter::kBilinearAntialias ? "antialiased bilinear on 8 bits"
                                                                               : "not resized";
  return fmt::format("{}, {}, {}", sides, filter,
                     normalization == PhotoNormalization::kImagenet ? "ImageNet's mean and deviation" : "[-1, 1]");
}

}  // namespace secgan
