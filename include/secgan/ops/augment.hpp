#pragma once
/// Differentiable augmentation of what a discriminator sees (DiffAugment, arXiv 2006.10738). What is drawn is given:
/// training/augmentation.hpp.

#include <ATen/ATen.h>

#include "secgan/core/shape.hpp"

namespace secgan {

/// One change per sample. An undefined member changes nothing, and none that is defined reads a value on the host.
struct Augmentation {
  at::Tensor shift;       ///< [N, 2] int64: pixels down and pixels to the right, either sign
  at::Tensor mirrored;    ///< [N] bool: left and right change places, before the shift
  at::Tensor brightness;  ///< [N]: is added to all values of a photo
  at::Tensor contrast;    ///< [N]: factor of a photo's differences from its own mean over all values

  /// f of every tensor that is defined.
  template <class F>
  Augmentation each(const F& f) const {
    const auto of = [&](const at::Tensor& tensor) { return tensor.defined() ? f(tensor) : tensor; };
    return {of(shift), of(mirrored), of(brightness), of(contrast)};
  }
};

/// Mirrors and shifts, each pixel as a whole: no value is mixed with another.
/// @param image [N, C, H, W]   @param vacated  what the pixels get that a shift uncovers
/// @return [N, C, H, W], linear in the image: differentiable to any order.  @throws InvalidArgument for other shapes
inline at::Tensor moved(const at::Tensor& image, const Augmentation& augmentation, double vacated) {
  const auto& [shift, mirrored, brightness, contrast] = augmentation;
  if (!shift.defined() && !mirrored.defined()) return image;
  check_shape(image, "image", {kAny, kAny, kAny, kAny}, "[N, C, H, W]");
  const int64_t n = image.size(0), height = image.size(2), width = image.size(3);
  const at::TensorOptions whole = image.options().dtype(at::kLong).requires_grad(false);
  // Where each pixel of the result comes from: [N, H, 1] and [N, 1, W].
  at::Tensor row = at::arange(height, whole).view({1, height, 1}).expand({n, height, 1});
  at::Tensor column = at::arange(width, whole).view({1, 1, width}).expand({n, 1, width});
  at::Tensor uncovered;
  if (shift.defined()) {
    check_shape(shift, "shift", {n, 2}, "[N, 2]");
    row = row - shift.select(1, 0).view({n, 1, 1});
    column = column - shift.select(1, 1).view({n, 1, 1});
    uncovered = row.lt(0) | row.ge(height) | column.lt(0) | column.ge(width);
    row = row.clamp(0, height - 1);
    column = column.clamp(0, width - 1);
  }
  if (mirrored.defined()) {
    check_shape(mirrored, "mirrored", {n}, "[N]");
    column = column + mirrored.view({n, 1, 1}) * (width - 1 - 2 * column);
  }
  const at::Tensor place = (row * width + column).view({n, 1, height * width}).expand({n, image.size(1), height * width});
  const at::Tensor out = image.flatten(2).gather(2, place).view(image.sizes());
  return uncovered.defined() ? out.masked_fill(uncovered.unsqueeze(1), vacated) : out;
}

/// Brightness, contrast, then mirroring and shift, in DiffAugment's order. Vacated pixels are 0, mid-gray.
/// @param photo [N, 3, H, W] in [-1, 1]   @return [N, 3, H, W], not clamped; differentiable to any order
inline at::Tensor augmented_photo(const at::Tensor& photo, const Augmentation& augmentation) {
  const auto of_sample = [&](const at::Tensor& values, const char* name) {
    check_shape(values, name, {photo.size(0)}, "[N]");
    return values.to(photo.dtype()).view({-1, 1, 1, 1});
  };
  at::Tensor out = photo;
  if (augmentation.brightness.defined()) out = out + of_sample(augmentation.brightness, "brightness");
  if (augmentation.contrast.defined()) {
    const at::Tensor mean = out.mean({1, 2, 3}, /*keepdim=*/true);
    out = mean + of_sample(augmentation.contrast, "contrast") * (out - mean);
  }
  return moved(out, augmentation, 0);
}

/// Mirroring and shift alone. In vacated pixels every class is equally likely: a distribution that names none.
/// @param mask [N, K, H, W] probabilities over K   @return [N, K, H, W] probabilities; differentiable to any order
inline at::Tensor augmented_mask(const at::Tensor& mask, const Augmentation& augmentation) {
  return moved(mask, augmentation, 1.0 / static_cast<double>(mask.size(1)));
}

}  // namespace secgan
