#pragma once
/// How networks from outside expect their photos.

#include <ATen/core/Tensor.h>

#include <array>
#include <string_view>
#include <utility>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"

namespace secgan {

/// How the network expects its photos.
enum class PhotoNormalization {
  kImagenet,  ///< ImageNet's mean and deviation, from photos in [0, 1]: the public BiSeNet parsers
  kNone,      ///< [-1, 1] as it is
};
inline constexpr std::array<std::pair<std::string_view, PhotoNormalization>, 2> kPhotoNormalizations{
    {{"imagenet", PhotoNormalization::kImagenet}, {"none", PhotoNormalization::kNone}}};
template <>
struct EnumNames<PhotoNormalization> {
  static constexpr auto& table = kPhotoNormalizations;
  static constexpr std::string_view what = "normalization";
};

/// @param photo [N, 3, H, W] in [0, 1], RGB   @return less the mean, over the deviation of ImageNet's channels
SECGAN_API at::Tensor normalize_imagenet(const at::Tensor& photo);

}  // namespace secgan
