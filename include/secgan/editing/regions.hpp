#pragma once
/// Where in a face an attribute shows: what an edit of it may touch, and what it should leave alone.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "secgan/core/export.hpp"

namespace secgan {

/// Ids of the twelve classes that an attribute of CelebA's list may change; for a name that is not in the list every
/// class of a person (all but "others").
SECGAN_API const std::vector<int64_t>& attribute_region(std::string_view attribute);

/// The margin of `touchable` that exact edits take, and evaluation by default, in pixels at 64 px.
inline constexpr int64_t kRegionMargin = 3;
/// A margin at another side than 64 px, to the nearest pixel.
SECGAN_API int64_t region_margin(int64_t margin, int64_t image_size);

/// Pixels that an edit may touch: those of the attribute's classes before or after the edit, grown by a margin for what
/// casts shadows, frames and outlines around them.
/// @param before, after [N, H, W] ids of the twelve classes   @param margin  pixels, at least 0
/// @return [N, H, W] bool
SECGAN_API at::Tensor touchable(const at::Tensor& before, const at::Tensor& after, std::string_view attribute, int64_t margin);

/// Weights of an edit that changes nothing outside of a region: 0 there, rising within it to 1, so that its border is no seam.
/// @param region [S, S] bool, at the network's side   @return [height, width] in [0, 1]
SECGAN_API at::Tensor region_weights(const at::Tensor& region, int64_t height, int64_t width);

}  // namespace secgan
