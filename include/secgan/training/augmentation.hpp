#pragma once
/// How strongly photos and masks are changed before a discriminator sees them, and the draw for a batch.

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>
#include <tuple>

#include "secgan/core/fields.hpp"
#include "secgan/ops/augment.hpp"

namespace secgan {

namespace rule {
inline constexpr Rule kUpToHalf{.low = 0, .high = 0.5};
inline constexpr Rule kOfTheRange{.low = 0, .high = 2};
}  // namespace rule

/// Every strength is 0 at first: nothing is changed. Hue and saturation are left alone, hair and skin being what is edited.
struct AugmentOptions {
  double shift = 0;
  double flip = 0;
  double brightness = 0;
  double contrast = 0;

  static constexpr auto fields() {
    using O = AugmentOptions;
    return std::tuple{
        field<&O::shift>("largest shift, up, down and sideways, as a share of the side; DiffAugment's is 0.125", rule::kUpToHalf),
        field<&O::flip>("probability of mirroring", rule::kShare),
        field<&O::brightness>("photos: the largest value added or taken away, of a range of 2; DiffAugment's is 0.5", rule::kOfTheRange),
        field<&O::contrast>("photos: the largest change of the contrast, as a share of it; DiffAugment's is 0.5", rule::kShare),
    };
  }

  bool any() const { return shift > 0 || flip > 0 || brightness > 0 || contrast > 0; }
};

/// One change for each of n samples; one strength does not change what is drawn for another.
/// @param side  of the photos and masks in pixels
/// @param random  a generator of the CPU
/// @return on the CPU; members of strength 0 are undefined
inline Augmentation draw_augmentation(const AugmentOptions& options, int64_t n, int64_t side, const at::Generator& random) {
  const auto most = static_cast<int64_t>(std::lround(options.shift * static_cast<double>(side)));
  const at::Tensor shift = at::randint(-most, most + 1, {n, 2}, random, at::kLong);
  const at::Tensor rest = at::rand({3, n}, random);
  const auto centered = [&](int64_t row, double strength) { return strength * (2 * rest[row] - 1); };
  Augmentation drawn;
  if (most > 0) drawn.shift = shift;
  if (options.flip > 0) drawn.mirrored = rest[0] < options.flip;
  if (options.brightness > 0) drawn.brightness = centered(1, options.brightness);
  if (options.contrast > 0) drawn.contrast = 1 + centered(2, options.contrast);
  return drawn;
}

}  // namespace secgan
