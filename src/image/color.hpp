#pragma once
/// Color profiles: every photo becomes sRGB (docs/decisions/0020).

#include <ATen/core/Tensor.h>

#include <array>
#include <string>

#include "image/picture.hpp"

namespace secgan::detail {

/// A profile that is broken, or for another kind of picture, is ignored. One that moves no color by more than a level is sRGB: the pixels
/// stay as they are. CMYK without a profile is mixed as Pillow does.
/// @return [H, W, 3 or more], RGB first; the picture's own memory unless it is CMYK
at::Tensor to_srgb(const Picture& picture);

/// White, red, green and blue, x and y of each, as PNG's cHRM lists them.
using Chromaticities = std::array<double, 8>;
inline constexpr Chromaticities kSrgbChromaticities{0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06};

/// The profile of a display with one tone curve, sample = light^gamma; a gamma of 1/2.2 stands for sRGB's curve, as libpng has it.
/// @return ICC; empty for sRGB, and for numbers that no display has
std::string display_profile(double gamma, const Chromaticities& chromaticities);

}  // namespace secgan::detail
