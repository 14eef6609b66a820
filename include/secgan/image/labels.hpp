#pragma once
/// Names in pictures, so that a picture that is passed on alone still says what it shows.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "secgan/core/export.hpp"

namespace secgan {

/// Black text, letters of 5 x 7 pixels, 6 from one to the next, each times `scale`. Other characters than ASCII's are shown as '?';
/// what lies outside the picture is cut off.
/// @param image [3, H, W] uint8, written into   @param x, y  the first letter's upper left corner
SECGAN_API void draw_text(const at::Tensor& image, int64_t x, int64_t y, std::string_view text, int64_t scale = 1);

/// image_grid with names above the columns, broken at underscores and spaces, and left of the rows, in lines of a column's width at most.
/// Pictures too narrow for names are enlarged by a whole number.
/// @param rows  of [3, H, W] uint8, one size   @param columns, row_names  may be fewer; empty ones take no room
/// @return [3, H', W'] uint8
SECGAN_API at::Tensor labeled_grid(const std::vector<std::vector<at::Tensor>>& rows, const std::vector<std::string>& columns,
                                   const std::vector<std::string>& row_names, int64_t gap = 2);

}  // namespace secgan
