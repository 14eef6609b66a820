#pragma once
/// Photo in, edited photo out.

#include <ATen/core/Tensor.h>

#include <array>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/bundle/bundle.hpp"
#include "secgan/core/attributes.hpp"
#include "secgan/core/export.hpp"
#include "secgan/core/named_values.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {

/// How an edit of `image_size` becomes a picture of the crop's own size.
enum class Upscaling {
  kResize,  ///< the network's picture, resized: softer than the photo, true to the network
  kDetail,  ///< the photo plus the resized change (edit - reconstruction): keeps the photo's fine detail
};
inline constexpr std::array<std::pair<std::string_view, Upscaling>, 2> kUpscalings{
    {{"resize", Upscaling::kResize}, {"detail", Upscaling::kDetail}}};
template <>
struct EnumNames<Upscaling> {
  static constexpr auto& table = kUpscalings;
  static constexpr std::string_view what = "upscaling";
};

struct EditOptions {
  std::optional<NamedLabels> source = {};  ///< attributes that the photo has; unnamed ones it has not; nullopt: predicted
  Upscaling upscaling = Upscaling::kResize;
};

struct EditedPhoto {
  at::Tensor photo;        ///< [3, h, w] uint8: the crop of the original, edited, at its own size
  at::Tensor crop;         ///< [3, h, w] uint8: the same part of the original
  NamedLabels source;      ///< what the photo showed, as given or predicted; every attribute, in the bundle's order
  NamedValues difference;  ///< what the generator was asked for, before the bundle's intensity; every attribute
};

/// Photos are [3, H, W] uint8 RGB on the CPU, of any size; they are cropped as the bundle says.
class SECGAN_API Editor {
 public:
  /// @throws Error when the bundle has neither generator nor parser.
  explicit Editor(Bundle bundle);
  /// @throws as load_bundle
  static Editor from_pretrained(const std::filesystem::path& folder);
  void save_pretrained(const std::filesystem::path& folder) const;

  const AttributeSchema& attributes() const { return attributes_; }
  const Bundle& bundle() const { return bundle_; }

  /// What the classifier sees: a probability per attribute.
  /// @throws InvalidArgument when the bundle has no classifier.
  NamedValues predict(const at::Tensor& photo) const;

  /// @throws InvalidArgument for an unknown attribute, contradictory edits (AttributeSchema::difference), or another type of photo;
  ///         Error when the bundle has no generator.
  EditedPhoto edit(const at::Tensor& photo, const std::vector<AttributeEdit>& edits, const EditOptions& options = {}) const;
  /// Many photos of any sizes, the same edits and options for all; the networks see several at once.
  std::vector<EditedPhoto> edit(const std::vector<at::Tensor>& photos, const std::vector<AttributeEdit>& edits,
                                const EditOptions& options = {}) const;

  /// The parser's classes at the crop's own size.
  /// @return [h, w] uint8 ids of the twelve classes   @throws Error when the bundle has no parser.
  at::Tensor parse(const at::Tensor& photo) const;

  /// The same of a picture that is cropped already, as edits are.
  at::Tensor parse_cropped(const at::Tensor& crop) const;

  /// The part of a photo that the bundle's crop keeps.
  at::Tensor crop(const at::Tensor& photo) const;

 private:
  /// Crops as the networks take them: [N, 3, S, S] in [-1, 1].
  at::Tensor network_input(const std::vector<at::Tensor>& crops) const;
  /// [N, A] probabilities.
  at::Tensor classify(const at::Tensor& input) const;
  std::vector<EditedPhoto> edit_batch(const std::vector<at::Tensor>& photos, const std::vector<AttributeEdit>& edits,
                                      const EditOptions& options) const;

  Bundle bundle_;
  Crop crop_;
  AttributeSchema attributes_;
};

}  // namespace secgan
