#pragma once
/// How photos as files hold them reach a network that measures them.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/image/normalization.hpp"

namespace secgan {

/// Metrics depend on it: stand it beside every one.
enum class ResizeFilter {
  kBilinear,           ///< bilinear without antialias on floats, pixel centers aligned: pytorch-fid
  kBilinearAntialias,  ///< antialiased bilinear on 8 bits, as PIL resizes
  kNone,               ///< photos must have the network's size already
};
inline constexpr std::array<std::pair<std::string_view, ResizeFilter>, 3> kResizeFilters{
    {{"bilinear", ResizeFilter::kBilinear}, {"bilinear-antialias", ResizeFilter::kBilinearAntialias}, {"none", ResizeFilter::kNone}}};
template <>
struct EnumNames<ResizeFilter> {
  static constexpr auto& table = kResizeFilters;
  static constexpr std::string_view what = "resize filter";
};

struct SECGAN_API PhotoInput {
  int64_t size = 299;
  bool shorter_side = false;
  ResizeFilter resize = ResizeFilter::kBilinear;
  PhotoNormalization normalization = PhotoNormalization::kNone;

  static constexpr auto fields() {
    using O = PhotoInput;
    return std::tuple{
        field<&O::size>("side in pixels", rule::kPositive),
        field<&O::shorter_side>("true: the shorter side becomes `size` and the aspect stays; false: squeezed to a square"),
        field<&O::resize>("how photos reach that side"),
        field<&O::normalization>("of the resized photo"),
    };
  }

  /// @throws InvalidArgument for options that contradict each other.
  void check() const;

  /// @param photos [N, 3, H, W] uint8 RGB   @return [N, 3, h, w] float32, normalized
  /// @throws InvalidArgument for another type or shape, or another size where nothing is resized.
  at::Tensor operator()(const at::Tensor& photos) const;

  /// In words: "299 x 299, bilinear without antialias, [-1, 1]".
  std::string describe() const;
};

/// pytorch-fid's: the whole photo, whatever its aspect.
inline constexpr PhotoInput kInceptionInput{};
/// ssFID's: no crop.
inline constexpr PhotoInput kSwavInput{224, true, ResizeFilter::kBilinearAntialias, PhotoNormalization::kImagenet};

}  // namespace secgan
