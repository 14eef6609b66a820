#pragma once
/// From stored pictures to network inputs and back.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "secgan/core/export.hpp"

namespace secgan {

struct Rect {
  int64_t x = 0, y = 0, width = 0, height = 0;
  friend bool operator==(const Rect&, const Rect&) = default;
};

/// How a photo becomes a square. Written as "none" (the whole photo, squeezed), "center" (the largest central square),
/// "center:170" (the central square of that side) or "box:x,y,w,h" (in pixels of the photo).
struct Crop {
  enum class Kind { kNone, kCenter, kBox };
  Kind kind = Kind::kCenter;
  int64_t side = 0;  ///< kCenter: 0 for the largest
  Rect box;          ///< kBox
  friend bool operator==(const Crop&, const Crop&) = default;
};

/// @throws InvalidArgument that shows the forms.
SECGAN_API Crop parse_crop(std::string_view text);
SECGAN_API std::string to_string(const Crop& crop);

/// The part of a width x height photo that a crop keeps.  @throws InvalidArgument when it leaves the photo, with both sizes.
SECGAN_API Rect crop_rect(const Crop& crop, int64_t width, int64_t height);

/// Width and height in pixels, written as "178x218"; 0 x 0, written as "", where they are not known.
struct PhotoSize {
  int64_t width = 0, height = 0;
  bool known() const { return width > 0; }
  friend bool operator==(const PhotoSize&, const PhotoSize&) = default;
};
/// @throws InvalidArgument that shows the form.
SECGAN_API PhotoSize parse_photo_size(std::string_view text);
SECGAN_API std::string to_string(const PhotoSize& size);

/// The part of a photo of any size that a data set's crop keeps: its pixels are shares of the data set's photos (decision 0027).
/// Photos of the data set's own size are cropped as by crop_rect. Of others, "center:N" keeps the central square of the same share of
/// the shorter side, of a square photo the whole (where the data set's are not square themselves); "box" keeps the same share of each side.
/// @param of  size of the data set's photos; unknown: CelebA's 178 x 218 for "center:N", halved or doubled until N is more than half of
///            the width; the photo's own pixels for "box"
/// @throws InvalidArgument for a box that leaves the photo.
SECGAN_API Rect crop_rect_of_any(const Crop& crop, const PhotoSize& of, int64_t width, int64_t height);

/// @param image [C, H, W] or [H, W]   @return a view
SECGAN_API at::Tensor crop_image(const at::Tensor& image, const Rect& rect);

/// Antialiased bilinear, as PIL resizes photos.
/// @param image [3, H, W] uint8   @return [3, height, width] uint8
SECGAN_API at::Tensor resize_image(const at::Tensor& image, int64_t height, int64_t width);
/// Nearest neighbor by pixel centers.
/// @param mask [H, W] uint8   @return [height, width] uint8
SECGAN_API at::Tensor resize_mask(const at::Tensor& mask, int64_t height, int64_t width);

/// uint8 to float in [-1, 1].
SECGAN_API at::Tensor to_float(const at::Tensor& image);
/// Float in [-1, 1] (clamped) to uint8, rounded.  @throws Error for values that are not finite.
SECGAN_API at::Tensor to_bytes(const at::Tensor& image);

/// Pictures of one size in rows, `gap` white pixels between them; short rows end in white.
/// @param rows of [3, H, W] uint8   @return [3, H', W'] uint8
SECGAN_API at::Tensor image_grid(const std::vector<std::vector<at::Tensor>>& rows, int64_t gap = 2);

}  // namespace secgan
