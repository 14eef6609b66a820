#include "secgan/editing/editor.hpp"

#include <ATen/ATen.h>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {
namespace {

at::Tensor resized(const at::Tensor& image, int64_t height, int64_t width) {
  return at::upsample_bilinear2d(image, {height, width}, /*align_corners=*/false);
}

}  // namespace

Editor::Editor(Bundle bundle) : bundle_(std::move(bundle)), crop_(secgan::parse_crop(bundle_.info.crop)) {
  if (bundle_.generator.is_empty() && !bundle_.has_parser()) throw Error("the bundle has neither generator nor parser");
  if (!bundle_.info.attributes.empty()) attributes_ = AttributeSchema(bundle_.info.attributes);
}

Editor Editor::from_pretrained(const std::filesystem::path& folder) { return Editor(load_bundle(folder)); }

void Editor::save_pretrained(const std::filesystem::path& folder) const { save_bundle(folder, bundle_); }

at::Tensor Editor::crop(const at::Tensor& photo) const {
  check_shape(photo, "photo", {3, kAny, kAny}, "[3, H, W]");
  if (photo.scalar_type() != at::kByte)
    throw InvalidArgument(fmt::format("photo must be uint8, found {}", c10::toString(photo.scalar_type())));
  if (photo.numel() == 0) throw InvalidArgument(fmt::format("photo must have pixels, found {} x {}", photo.size(2), photo.size(1)));
  if (!photo.is_cpu()) throw InvalidArgument(fmt::format("photo must be on the device cpu, found {}", photo.device().str()));
  return crop_image(photo, crop_rect(crop_, photo.size(2), photo.size(1)));
}

at::Tensor Editor::network_input(const at::Tensor& crop) const {
  return to_float(resize_image(crop, bundle_.info.image_size, bundle_.info.image_size)).unsqueeze(0);
}

at::Tensor Editor::predict(const at::Tensor& photo) {
  if (bundle_.classifier.is_empty())
    throw InvalidArgument("source: the bundle has no classifier, so the photo's attributes must be given, found none");
  at::NoGradGuard no_grad;
  return bundle_.classifier->forward(network_input(crop(photo)))[0].sigmoid();
}

EditedPhoto Editor::edit(const at::Tensor& photo, const std::vector<AttributeEdit>& edits, const std::optional<at::Tensor>& source,
                         Upscaling upscaling) {
  if (bundle_.generator.is_empty()) throw Error("the bundle has no generator: it can parse, not edit");
  at::NoGradGuard no_grad;
  EditedPhoto out;
  out.crop = crop(photo);
  const int64_t height = out.crop.size(1), width = out.crop.size(2);
  if (source) {
    check_shape(*source, "source", {attributes_.size()}, "[A]");
    out.source = source->to(at::kFloat);
  } else {
    out.source = (predict(photo) > 0.5).to(at::kFloat);
  }
  out.difference = attributes_.difference(out.source.unsqueeze(0), edits)[0];

  const at::Tensor input = network_input(out.crop);
  const auto generate = [&](const at::Tensor& difference) {
    return bundle_.generator->forward(input, bundle_.condition(out.source, difference).unsqueeze(0));
  };
  const at::Tensor edit = generate(out.difference);
  if (upscaling == Upscaling::kDetail) {
    const at::Tensor change = edit - generate(at::zeros_like(out.difference));
    out.photo = to_bytes(to_float(out.crop) + resized(change, height, width)[0]);
  } else {
    out.photo = to_bytes(resized(edit, height, width)[0]);
  }
  return out;
}

at::Tensor Editor::parse(const at::Tensor& photo) { return parse_crop(crop(photo)); }

at::Tensor Editor::parse_crop(const at::Tensor& crop) {
  check_shape(crop, "crop", {3, kAny, kAny}, "[3, H, W]");
  at::NoGradGuard no_grad;
  const at::Tensor probabilities = bundle_.face_parser().probabilities(network_input(crop));
  return resized(probabilities, crop.size(1), crop.size(2))[0].argmax(0).to(at::kByte);
}

}  // namespace secgan
