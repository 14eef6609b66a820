#include "secgan/editing/editor.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {
namespace {

constexpr int64_t kPhotosAtOnce = 16;

at::Tensor resized(const at::Tensor& image, int64_t height, int64_t width) {
  return at::upsample_bilinear2d(image, {height, width}, /*align_corners=*/false);
}

/// A row of [N, A] by name.
NamedValues by_name(const AttributeSchema& schema, const at::Tensor& row) {
  NamedValues out;
  for (int64_t a = 0; a < schema.size(); ++a) out.emplace_back(schema.names()[static_cast<size_t>(a)], row[a].item<double>());
  return out;
}

}  // namespace

Editor::Editor(Bundle bundle) : bundle_(std::move(bundle)), crop_(parse_crop(bundle_.info.crop)) {
  if (bundle_.generator.is_empty() && !bundle_.parser) throw Error("the bundle has neither generator nor parser");
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

at::Tensor Editor::network_input(const std::vector<at::Tensor>& crops) const {
  std::vector<at::Tensor> resized;
  for (const at::Tensor& crop : crops) resized.push_back(resize_image(crop, bundle_.info.image_size, bundle_.info.image_size));
  return to_float(at::stack(resized));
}

at::Tensor Editor::classify(const at::Tensor& input) const {
  AttributeClassifier classifier = bundle_.classifier;
  if (classifier.is_empty())
    throw InvalidArgument("source: the bundle has no classifier, so the photo's attributes must be given, found none");
  return classifier->forward(input).sigmoid();
}

NamedValues Editor::predict(const at::Tensor& photo) const {
  at::NoGradGuard no_grad;
  return by_name(attributes_, classify(network_input({crop(photo)}))[0]);
}

EditedPhoto Editor::edit(const at::Tensor& photo, const std::vector<AttributeEdit>& edits, const EditOptions& options) const {
  return edit_batch({photo}, edits, options).front();
}

std::vector<EditedPhoto> Editor::edit(const std::vector<at::Tensor>& photos, const std::vector<AttributeEdit>& edits,
                                      const EditOptions& options) const {
  std::vector<EditedPhoto> out;
  for (size_t begin = 0; begin < photos.size(); begin += kPhotosAtOnce) {
    const size_t end = std::min(photos.size(), begin + kPhotosAtOnce);
    const auto at = [&](size_t i) { return photos.begin() + static_cast<std::ptrdiff_t>(i); };
    for (EditedPhoto& edited : edit_batch({at(begin), at(end)}, edits, options)) out.push_back(std::move(edited));
  }
  return out;
}

std::vector<EditedPhoto> Editor::edit_batch(const std::vector<at::Tensor>& photos, const std::vector<AttributeEdit>& edits,
                                            const EditOptions& options) const {
  Generator generator = bundle_.generator;
  if (generator.is_empty()) throw Error("the bundle has no generator: it can parse, not edit");
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> crops;
  for (const at::Tensor& photo : photos) crops.push_back(crop(photo));
  const at::Tensor input = network_input(crops);
  const at::Tensor source =
      options.source ? attributes_.labels(*options.source, "source").expand({input.size(0), -1}) : (classify(input) > 0.5).to(at::kFloat);
  const at::Tensor difference = attributes_.difference(source, edits);
  const auto generate = [&](const at::Tensor& wanted) { return generator->forward(input, bundle_.condition(source, wanted)); };
  const at::Tensor edit = generate(difference);
  const bool detail = options.upscaling == Upscaling::kDetail;
  const at::Tensor change = detail ? edit - generate(at::zeros_like(difference)) : at::Tensor();

  std::vector<EditedPhoto> out;
  for (int64_t n = 0; n < input.size(0); ++n) {
    EditedPhoto one;
    one.crop = crops[static_cast<size_t>(n)];
    const auto at_own_size = [&](const at::Tensor& batch) { return resized(batch.narrow(0, n, 1), one.crop.size(1), one.crop.size(2))[0]; };
    one.photo = to_bytes(detail ? to_float(one.crop) + at_own_size(change) : at_own_size(edit));
    for (const auto& [name, value] : by_name(attributes_, source[n])) one.source.emplace_back(name, value > 0.5);
    one.difference = by_name(attributes_, difference[n]);
    out.push_back(std::move(one));
  }
  return out;
}

at::Tensor Editor::parse(const at::Tensor& photo) const { return parse_cropped(crop(photo)); }

at::Tensor Editor::parse_cropped(const at::Tensor& crop) const {
  check_shape(crop, "crop", {3, kAny, kAny}, "[3, H, W]");
  if (!bundle_.parser) throw Error("the bundle has no parser");
  at::NoGradGuard no_grad;
  const at::Tensor probabilities = bundle_.parser->probabilities(network_input({crop}));
  return resized(probabilities, crop.size(1), crop.size(2))[0].argmax(0).to(at::kByte);
}

}  // namespace secgan
