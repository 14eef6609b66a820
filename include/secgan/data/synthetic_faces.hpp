#pragma once
/// Drawn faces: true labels and masks without a download. Flat illustrations, anti-aliased, of any side.

#include <cstdint>
#include <string>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/data/dataset.hpp"

namespace secgan {

/// The attributes that the drawings show, under CelebA's names: Bald, Bangs, Black_Hair, Blond_Hair, Eyeglasses,
/// Male, Mouth_Slightly_Open, Mustache, Pale_Skin. Hair of neither color is brown or gray.
SECGAN_API const std::vector<std::string>& synthetic_attribute_names();

/// Sides that faces are drawn at, in pixels.
inline constexpr int64_t kSmallestDrawn = 32, kLargestDrawn = 8192;

struct SyntheticFacesOptions {
  int64_t count = 8000;
  int64_t image_size = 64;
  uint64_t seed = 1;

  static constexpr auto fields() {
    using O = SyntheticFacesOptions;
    return std::tuple{
        field<&O::count>("how many", rule::kPositive),
        field<&O::image_size>("side in pixels", Rule{.low = kSmallestDrawn, .most = kLargestDrawn}),
        field<&O::seed>("another seed, other people"),
    };
  }
};

/// The face of one person showing exactly these labels. All else (pose, shape, skin, light, background) follows from
/// `identity`, so that two calls make a true before and after.
/// @param labels [9] in {0, 1}, in the order of the names   @return mask in the twelve classes
/// @throws InvalidArgument when labels exclude one another or the side is none that faces are drawn at.
SECGAN_API Sample draw_face(uint64_t identity, const at::Tensor& labels, int64_t image_size);

/// Sample i follows from the seed and i alone.
class SECGAN_API SyntheticFaces final : public Dataset {
 public:
  explicit SyntheticFaces(SyntheticFacesOptions options);
  int64_t size() const override { return options_.count; }
  Sample get(int64_t index) const override;
  int64_t image_size() const override { return options_.image_size; }
  const AttributeSchema& attributes() const override { return attributes_; }
  bool has_masks() const override { return true; }
  at::Tensor labels(int64_t index) const override;

 private:
  uint64_t identity(int64_t index) const;

  SyntheticFacesOptions options_;
  AttributeSchema attributes_;
};

}  // namespace secgan
