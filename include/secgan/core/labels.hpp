#pragma once
/// Sets of segmentation classes, the two orders in which the field writes CelebAMask-HQ's 19, and merging.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"

namespace secgan {

/// The label sets in use. The two 19-class orders hold the same classes; mixing them up is the field's most
/// frequent segmentation mistake.
enum class Labels {
  kSecgan12,      ///< skin, eyebrows, eyes, glasses, ears, earrings, nose, mouth, lips, neck, hair, others
  kCelebAMaskHq,  ///< CelebAMask-HQ's own order: background, skin, nose, eye_g, l_eye, …, cloth
  kFaceParsing,   ///< the order of the public BiSeNet parsers: background, skin, l_brow, r_brow, …, hat
};

inline constexpr std::array<std::pair<std::string_view, Labels>, 3> kLabelSets{{
    {"secgan-12", Labels::kSecgan12},
    {"celebamask-hq", Labels::kCelebAMaskHq},
    {"face-parsing", Labels::kFaceParsing},
}};

template <>
struct EnumNames<Labels> {
  static constexpr auto& table = kLabelSets;
  static constexpr std::string_view what = "labels";
};

/// Number of classes of the segmentation that SeCGAN works on.
inline constexpr int64_t kSecganClasses = 12;

/// Class names of a label set, by class id.
SECGAN_API const std::vector<std::string>& class_names(Labels labels);

/// Colors of a label set, RGB by class id; CelebAMask-HQ's own where it has one.
SECGAN_API const std::vector<std::array<uint8_t, 3>>& class_palette(Labels labels);

/// Groups of input classes that become one class each.
class SECGAN_API ClassMerge {
 public:
  /// The merge from one of the sets to the twelve (the identity for the twelve).
  explicit ClassMerge(Labels from);
  /// @param groups  groups[j] lists the input class ids that become class j; together they must hold every id from
  ///                0 to the largest exactly once.  @throws InvalidArgument otherwise, naming the id.
  explicit ClassMerge(const std::vector<std::vector<int64_t>>& groups);

  int64_t input_classes() const { return static_cast<int64_t>(target_.size()); }
  int64_t output_classes() const { return outputs_; }
  bool identity() const;
  /// Output class of every input class.
  const std::vector<int64_t>& table() const { return target_; }

  /// @param ids integer class ids of any shape   @return the same shape and type
  /// @throws InvalidArgument that names the first id outside the input classes.
  at::Tensor ids(const at::Tensor& ids) const;
  /// Sums the members' probabilities; differentiable.
  /// @param probabilities [N, input classes, H, W]   @return [N, output classes, H, W]
  at::Tensor probabilities(const at::Tensor& probabilities) const;
  /// Log of the summed probabilities, computed without leaving the log domain; differentiable.
  /// @param logits [N, input classes, H, W] logits or log-probabilities   @return [N, output classes, H, W]
  at::Tensor log_probabilities(const at::Tensor& logits) const;

 private:
  std::vector<int64_t> target_;
  int64_t outputs_ = 0;
};

}  // namespace secgan
