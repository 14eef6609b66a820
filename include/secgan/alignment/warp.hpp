#pragma once
/// A face out of a photo, turned and scaled as a data set's are, and its change put back.

#include <ATen/core/Tensor.h>

#include <array>

#include "secgan/alignment/similarity.hpp"
#include "secgan/core/export.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {

/// The part of a photo that becomes a data set's crop, and the size at which it is taken.
struct AlignedPlace {
  Similarity to_layout;           ///< from the photo to the data set's photos
  Rect crop;                      ///< in the data set's photos
  int64_t width = 0, height = 0;  ///< of the picture that is cut out: as many pixels as the photo has there, 2048 at most
};

SECGAN_API AlignedPlace aligned_place(const Similarity& to_layout, const Rect& crop);

/// Outer corners of that part in the photo, in the order of a walk around it; they may leave the photo.
SECGAN_API std::array<PhotoPoint, 4> quad(const AlignedPlace& place);

/// The share of the part's area that lies in the photo, by its pixels: 0 to 1.
SECGAN_API double share_inside(const AlignedPlace& place, int64_t width, int64_t height);

/// Bilinear; what lies outside of the photo is mirrored.
/// @param photo [3, H, W] uint8   @return [3, height, width] uint8
SECGAN_API at::Tensor cut_out(const at::Tensor& photo, const AlignedPlace& place);

/// Adds a change of the part, of which 0 is none, to the photo: an unedited face stays as it is to the bit, and so does every pixel
/// outside of the quad.
/// @param photo [3, H, W] uint8, written into
/// @param change [3, height, width] levels of 255   @param weights [height, width] in [0, 1]
SECGAN_API void put_back(const at::Tensor& photo, const AlignedPlace& place, const at::Tensor& change, const at::Tensor& weights);

/// Lays a picture of the part over the photo, for one that has nothing of the photo's own detail.
/// @param photo [3, H, W] uint8, written into; pixels outside of the quad keep every bit
/// @param picture [3, height, width] levels of 255   @param weights [height, width] in [0, 1]
SECGAN_API void put_over(const at::Tensor& photo, const AlignedPlace& place, const at::Tensor& picture, const at::Tensor& weights);

/// Class ids of the part into their place; nearest neighbor.
/// @param mask [H, W] uint8, written into   @param ids [height, width] uint8
SECGAN_API void put_back_classes(const at::Tensor& mask, const AlignedPlace& place, const at::Tensor& ids);

}  // namespace secgan
