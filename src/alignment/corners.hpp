#pragma once

#include <array>

#include "secgan/alignment/similarity.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {

/// The outer corners of a rectangle's pixels, in the order of a walk around it.
inline std::array<PhotoPoint, 4> corners(const Rect& rect) {
  const double left = static_cast<double>(rect.x) - 0.5, top = static_cast<double>(rect.y) - 0.5;
  const double right = left + static_cast<double>(rect.width), bottom = top + static_cast<double>(rect.height);
  return {{{left, top}, {right, top}, {right, bottom}, {left, bottom}}};
}

}  // namespace secgan
