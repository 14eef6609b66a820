#pragma once
/// A picture of what a bundle does: photos, reconstructions and every attribute flipped.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

#include "secgan/bundle/bundle.hpp"
#include "secgan/core/export.hpp"
#include "secgan/data/dataset.hpp"

namespace secgan {

/// One row per photo: input, reconstruction, then each attribute flipped with the exclusive ones following; with a
/// parser and a mask generator a second row per photo: parse, its reconstruction, and the mask branch's edits.
/// @param photos [N, 3, S, S] in [-1, 1]   @param labels [N, A] in {0, 1}   @return [3, H, W] uint8
SECGAN_API at::Tensor preview(const Bundle& bundle, const at::Tensor& photos, const at::Tensor& labels);

/// The preview of a data set's first samples, the same faces whenever it is drawn, with the names of columns and rows (labeled_grid).
/// @param count  at most so many photos   @return [3, H, W] uint8; undefined for a bundle without a generator
SECGAN_API at::Tensor example_grid(const Bundle& bundle, const Dataset& data, int64_t count);

/// What an example grid shows, for a caption.
inline constexpr std::string_view kExampleGridCaption =
    "Each attribute flipped: added where it was missing, removed where it was there. Rows of masks: the parse, and the mask branch's "
    "edits.";

}  // namespace secgan
