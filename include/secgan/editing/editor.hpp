#pragma once
/// Photo in, edited photo out.

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <optional>
#include <vector>

#include "secgan/bundle/bundle.hpp"
#include "secgan/core/attributes.hpp"
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

struct EditedPhoto {
  at::Tensor photo;       ///< [3, h, w] uint8: the crop of the original, edited, at its own size
  at::Tensor crop;        ///< [3, h, w] uint8: the same part of the original
  at::Tensor source;      ///< [A] labels that were given or predicted
  at::Tensor difference;  ///< [A] what the generator was asked for, before the bundle's intensity
};

class Editor {
 public:
  /// @throws Error when the bundle has no generator.
  explicit Editor(Bundle bundle);
  /// @throws as load_bundle
  static Editor from_pretrained(const std::filesystem::path& folder);
  void save_pretrained(const std::filesystem::path& folder) const;

  const AttributeSchema& attributes() const { return attributes_; }
  const Bundle& bundle() const { return bundle_; }

  /// What the classifier sees.
  /// @param photo [3, H, W] uint8 of any size   @return [A] probabilities
  /// @throws Error when the bundle has no classifier.
  at::Tensor predict(const at::Tensor& photo);

  /// @param photo [3, H, W] uint8 of any size; it is cropped as the bundle says
  /// @param source [A] labels in {0, 1}; nullopt: predicted
  /// @throws InvalidArgument for an unknown attribute or contradictory edits (AttributeSchema::difference).
  EditedPhoto edit(const at::Tensor& photo, const std::vector<AttributeEdit>& edits, const std::optional<at::Tensor>& source = std::nullopt,
                   Upscaling upscaling = Upscaling::kResize);

  /// The parser's classes at the crop's own size.
  /// @param photo [3, H, W] uint8, cropped as the bundle says   @return [h, w] uint8 ids of the twelve classes
  /// @throws Error when the bundle has no parser.
  at::Tensor parse(const at::Tensor& photo);

  /// The same of a picture that is cropped already, as edits are.
  at::Tensor parse_crop(const at::Tensor& crop);

  /// The part of a photo that the bundle's crop keeps.
  at::Tensor crop(const at::Tensor& photo) const;

 private:
  at::Tensor network_input(const at::Tensor& crop) const;

  Bundle bundle_;
  Crop crop_;
  AttributeSchema attributes_;
};

}  // namespace secgan
