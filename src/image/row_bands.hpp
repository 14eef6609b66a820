#pragma once
/// Large pictures a band of rows at a time: what is computed of them in float32 takes the memory of a band, not of the picture.

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

namespace secgan {

/// Calls work(first row, rows) for each band, from the top. Pictures of up to four megapixels are one.
/// @param planes  numbers that a pixel takes meanwhile, of a few channels each
void each_band(int64_t height, int64_t width, const auto& work, int64_t planes = 1) {
  constexpr int64_t kPixelsAtOnce = int64_t{1} << 22;
  const int64_t pixels = height * width <= kPixelsAtOnce ? kPixelsAtOnce : kPixelsAtOnce / planes;
  const int64_t most = std::max<int64_t>(pixels / std::max<int64_t>(width, 1), 1);
  for (int64_t first = 0; first < height; first += most) work(first, std::min(most, height - first));
}

/// Rows of a small picture at a large size.
class ResizedRows {
 public:
  /// @param picture [C, h, w] float32
  ResizedRows(const at::Tensor& picture, int64_t height, int64_t width) : picture_(picture.unsqueeze(0)), height_(height), width_(width) {}

  /// As at::upsample_bilinear2d with align_corners false, to rounding.
  /// @return [C, rows, width]
  at::Tensor bilinear(int64_t first, int64_t rows) {
    if (rows == height_) return at::upsample_bilinear2d(picture_, {height_, width_}, /*align_corners=*/false)[0];
    const int64_t given = picture_.size(2);
    if (!wide_.defined()) wide_ = at::upsample_bilinear2d(picture_, {given, width_}, /*align_corners=*/false)[0];
    const double scale = static_cast<double>(given) / static_cast<double>(height_);
    const at::Tensor places = (at::arange(first, first + rows, at::kDouble) + 0.5).mul_(scale).sub_(0.5).clamp_min_(0);
    const at::Tensor above = places.to(at::kLong), below = (above + 1).clamp_max(given - 1);
    const at::Tensor weights = (places - above).to(at::kFloat).unsqueeze(1);
    return wide_.index_select(1, above).lerp_(wide_.index_select(1, below), weights);
  }

  /// As at::upsample_nearest2d.
  /// @return [C, rows, width]
  at::Tensor nearest(int64_t first, int64_t rows) const {
    const auto places = [](int64_t begin, int64_t count, int64_t given, int64_t length) {
      return (at::arange(begin, begin + count, at::kLong) * given).div_(length, "floor");
    };
    return picture_[0]
        .index_select(1, places(first, rows, picture_.size(2), height_))
        .index_select(2, places(0, width_, picture_.size(3), width_));
  }

 private:
  at::Tensor picture_, wide_;
  int64_t height_, width_;
};

}  // namespace secgan
