#pragma once
/// Five points of a face, and the similarity transform that brings one face's points onto another's.

#include <array>

#include "secgan/core/export.hpp"

namespace secgan {

/// In pixels; the center of the first pixel is (0, 0).
struct PhotoPoint {
  double x = 0, y = 0;
  friend bool operator==(const PhotoPoint&, const PhotoPoint&) = default;
};

/// Eyes, nose and the corners of the mouth; of each pair the one on the picture's left first.
using FivePoints = std::array<PhotoPoint, 5>;

/// Turns, scales and moves, and mirrors nothing: (x, y) -> (a x - b y + right, b x + a y + down).
struct SECGAN_API Similarity {
  double a = 1, b = 0;
  double right = 0, down = 0;

  PhotoPoint operator()(const PhotoPoint& point) const;
  double scale() const;
  /// In degrees, clockwise as the picture is seen, in (-180, 180].
  double degrees() const;
  Similarity inverse() const;
  friend bool operator==(const Similarity&, const Similarity&) = default;
};

/// The transform with the least sum of squared distances between the moved points and their targets (Umeyama 1991, without reflection).
/// @throws InvalidArgument for points that are not finite, or that all lie in one place.
SECGAN_API Similarity fit_similarity(const FivePoints& from, const FivePoints& to);

}  // namespace secgan
