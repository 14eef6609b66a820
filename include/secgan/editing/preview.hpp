#pragma once
/// A picture of what a bundle does: photos, reconstructions and every attribute flipped.

#include <ATen/core/Tensor.h>

#include "secgan/bundle/bundle.hpp"

namespace secgan {

/// One row per photo: input, reconstruction, then each attribute flipped with the exclusive ones following; with a
/// parser and a mask generator a second row per photo: parse, its reconstruction, and the mask branch's edits.
/// @param photos [N, 3, S, S] in [-1, 1]   @param labels [N, A] in {0, 1}   @return [3, H, W] uint8
at::Tensor preview(const Bundle& bundle, const at::Tensor& photos, const at::Tensor& labels);

}  // namespace secgan
