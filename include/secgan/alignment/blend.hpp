#pragma once
/// How much of an edit is seen where: all of it in the head, nothing at the edge of the part that was edited, smooth in between.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "secgan/alignment/layout.hpp"
#include "secgan/alignment/similarity.hpp"
#include "secgan/alignment/warp.hpp"
#include "secgan/core/export.hpp"

namespace secgan {

/// 1, falling to 0 towards the edges over an eighth of the sides.
/// @return [height, width]
SECGAN_API at::Tensor edge_weights(int64_t height, int64_t width);

/// An ellipse around head and chin, by the layout's points, with a soft edge; where nothing is known but the points.
/// @return [height, width] of the place
SECGAN_API at::Tensor ellipse_weights(const FaceLayout& layout, const AlignedPlace& place);

/// A parsed head, grown and softened by some hundredths of its side; the middle of the face belongs to it whatever the parser says.
/// @param head [h, w] probability of any class of the head   @return [height, width] of the place
SECGAN_API at::Tensor head_weights(const at::Tensor& head, const FaceLayout& layout, const AlignedPlace& place);

/// 1 nearer to this face than to any other, 0 nearer to another, soft in between: faces side by side are not edited by one another.
/// @param others  points of the photo's other faces   @return [height, width] of the place
SECGAN_API at::Tensor own_weights(const FivePoints& own, const std::vector<FivePoints>& others, const AlignedPlace& place);

}  // namespace secgan
