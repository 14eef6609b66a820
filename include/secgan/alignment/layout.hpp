#pragma once
/// Where the five points lie in the photos of a data set whose faces were aligned.

#include <cstdint>
#include <optional>

#include "secgan/alignment/similarity.hpp"
#include "secgan/core/export.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {

/// A data set's photos: their size, and where faces have their points.
struct FaceLayout {
  PhotoSize size;
  FivePoints points;
};

/// CelebA's aligned photos, 178 x 218, or the same at another size. The points are where Mtcnn finds them: means over 1,496 of its
/// photos, the eyes within 0.4 pixels of where the data set's own list has them.
SECGAN_API FaceLayout celeba_layout(const PhotoSize& size = {178, 218});

/// CelebA-HQ's square photos, and CelebAMask-HQ's.
SECGAN_API FaceLayout celeba_hq_layout(int64_t side = 1024);

/// Of CelebA's photos, at any size, to half a pixel.
SECGAN_API bool is_celeba_shaped(const PhotoSize& size);

/// Whether a photo's size says that it is one of the data set's own; CelebA's are passed on at half and at double size, too.
SECGAN_API bool is_own_size(const FaceLayout& layout, const PhotoSize& size);

/// From a photo to the layout of the data set, by the points of its face.
SECGAN_API Similarity align(const FivePoints& points, const FaceLayout& layout);

/// How far the crop that the points ask for lies from one at `place` of the photo: root mean square over the corners, in sides of the crop.
/// @param crop  in the layout's photos   @param place  in the photo
SECGAN_API double misalignment(const Similarity& to_layout, const Rect& crop, const Rect& place);

/// What is less is as good as aligned: so far off are CelebA's own photos, found anew (median 0.027, 98 % of them below this).
inline constexpr double kAligned = 0.1;

}  // namespace secgan
