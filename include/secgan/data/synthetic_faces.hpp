#pragma once
/// Drawn faces: true labels and masks without a download. Flat illustrations, anti-aliased, of any side.

#include <cstdint>
#include <string>
#include <vector>

#include "secgan/data/dataset.hpp"

namespace secgan {

/// The attributes that the drawings show, under CelebA's names: Bald, Bangs, Black_Hair, Blond_Hair, Eyeglasses,
/// Male, Mouth_Slightly_Open, Mustache, Pale_Skin. Hair of neither color is brown or gray.
const std::vector<std::string>& synthetic_attribute_names();

struct SyntheticFacesOptions {
  int64_t count = 8000;
  int64_t image_size = 64;  ///< side in pixels, at least 32
  uint64_t seed = 1;        ///< another seed, other people

  static void visit(auto& self, auto&& visit) {
    visit("count", self.count);
    visit("image_size", self.image_size);
    visit("seed", self.seed);
  }
  /// @throws InvalidArgument naming the option, the rule and the value.
  void validate() const;
};

/// The face of one person showing exactly these labels. All else (pose, shape, skin, light, background) follows from
/// `identity`, so that two calls make a true before and after.
/// @param labels [9] in {0, 1}, in the order of the names   @return mask in the twelve classes
/// @throws InvalidArgument when labels exclude one another or the side is below 32.
Sample draw_face(uint64_t identity, const at::Tensor& labels, int64_t image_size);

/// Sample i follows from the seed and i alone.
class SyntheticFaces final : public Dataset {
 public:
  explicit SyntheticFaces(SyntheticFacesOptions options);
  int64_t size() const override { return options_.count; }
  Sample get(int64_t index) const override;
  int64_t image_size() const override { return options_.image_size; }
  const AttributeSchema& attributes() const override { return attributes_; }
  bool has_masks() const override { return true; }

 private:
  SyntheticFacesOptions options_;
  AttributeSchema attributes_;
};

}  // namespace secgan
