#include "secgan/editing/editor.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "core/dtype.hpp"
#include "core/format.hpp"
#include "editing/generator_engine.hpp"
#include "editing/notes.hpp"
#include "editing/region_rows.hpp"
#include "image/row_bands.hpp"
#include "nn/inputs.hpp"
#include "secgan/bundle/recognize.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/labels.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/editing/regions.hpp"

namespace secgan {
namespace {

constexpr int64_t kPhotosAtOnce = 16;

/// A row of [N, A] by name.
NamedValues by_name(const AttributeSchema& schema, const at::Tensor& row) {
  NamedValues out;
  for (int64_t a = 0; a < schema.size(); ++a) out.emplace_back(schema.names()[static_cast<size_t>(a)], row[a].item<double>());
  return out;
}

/// "Bangs=1", …
std::vector<std::string> described(const std::vector<AttributeEdit>& edits) {
  std::vector<std::string> out;
  for (const auto& [name, strength] : edits) out.push_back(fmt::format("{}={}", name, strength));
  return out;
}

Provenance provenance_of(const Bundle& bundle, const std::vector<AttributeEdit>& edits) {
  constexpr size_t kDigits = 12;  // as many as reports of evaluations show
  return {.source_type = std::string(kTrainedComposite),
          .software = this_software(),
          .model = bundle.name,
          .model_hash = bundle.digest.substr(0, kDigits),
          .edits = described(edits)};
}

/// Weights of the edit along one side of the crop, [length]: 1, falling towards ends that lie inside the photo.
at::Tensor blending(int64_t length, bool before, bool after) {
  constexpr int64_t kShare = 16;
  const auto ramp = static_cast<double>(std::max<int64_t>(length / kShare, 1));
  const at::Tensor distance = at::arange(length, at::kFloat).add(0.5);
  at::Tensor weights = at::ones({length});
  if (before) weights = at::minimum(weights, distance / ramp);
  if (after) weights = at::minimum(weights, (static_cast<double>(length) - distance) / ramp);
  return weights;
}

/// @param weights [h, w]   @param edit, photo [3, h, w] uint8   @return the edit where its weight is 1, the photo's own bytes where it is 0
at::Tensor within(const at::Tensor& weights, const at::Tensor& edit, const at::Tensor& photo) {
  const at::Tensor blended = photo.to(at::kFloat).lerp(edit.to(at::kFloat), weights).round().to(at::kByte);
  return at::where(weights > 0, blended, photo);
}

/// Decibels of pictures in [-1, 1].
double psnr(const at::Tensor& picture, const at::Tensor& truth) {
  return 10 * std::log10(4 / (picture - truth).square().mean().item<double>());
}

/// at::argmax over the classes, which strides through memory, takes many times as long.
/// @param probabilities [C, H, W] float32, contiguous   @param ids  of H * W pixels: the first class that is likeliest
void likeliest(const at::Tensor& probabilities, uint8_t* ids) {
  constexpr int64_t kAtOnce = 4096;  // stay in the first cache
  const int64_t classes = probabilities.size(0), pixels = probabilities.size(1) * probabilities.size(2);
  const auto* const values = probabilities.const_data_ptr<float>();
  std::vector<float> most(kAtOnce);
  for (int64_t first = 0; first < pixels; first += kAtOnce) {
    const int64_t count = std::min(kAtOnce, pixels - first);
    std::copy_n(values + first, count, most.data());
    std::fill_n(ids + first, count, uint8_t{0});
    for (int64_t c = 1; c < classes; ++c) {
      const auto* const plane = values + c * pixels + first;
      for (int64_t i = 0; i < count; ++i) {
        const bool more = plane[i] > most[static_cast<size_t>(i)];
        most[static_cast<size_t>(i)] = more ? plane[i] : most[static_cast<size_t>(i)];
        ids[first + i] = more ? static_cast<uint8_t>(c) : ids[first + i];
      }
    }
  }
}

}  // namespace

at::Tensor whole_photo(const at::Tensor& photo, const EditedPhoto& edited) {
  const Rect& place = edited.place;
  check_shape(photo, "photo", {3, kAny, kAny}, "[3, H, W]");
  const int64_t height = photo.size(1), width = photo.size(2);
  if (place.x + place.width > width || place.y + place.height > height) {
    throw InvalidArgument(fmt::format("photo of {} x {} pixels is not the one that was edited", width, height));
  }
  at::Tensor whole = photo.clone();
  const at::Tensor across = blending(place.width, place.x > 0, place.x + place.width < width);
  const at::Tensor down = blending(place.height, place.y > 0, place.y + place.height < height);
  const at::Tensor part = crop_image(whole, place);
  each_band(place.height, place.width, [&](int64_t first, int64_t rows) {
    const at::Tensor weights = at::minimum(down.narrow(0, first, rows).unsqueeze(1), across.unsqueeze(0));
    const at::Tensor before = part.narrow(1, first, rows), after = edited.photo.narrow(1, first, rows);
    before.copy_(before.to(at::kFloat).lerp_(after.to(at::kFloat), weights).round_());
  });
  return whole;
}

Editor::Editor(Bundle bundle, const EditorOptions& options)
    : bundle_(std::move(bundle)),
      crop_(parse_crop(bundle_.info.crop)),
      photo_size_(parse_photo_size(bundle_.info.photo_size)),
      layout_(face_layout(bundle_.info)),
      engine_(std::make_shared<GeneratorEngine>(options)),
      asked_(options) {
  if (asked_.engine == Engine::kOpenvino) find_engine("openvino");  // refused here, not at the first edit
  if (bundle_.generator.is_empty() && !bundle_.parser)
    throw Error(fmt::format("the bundle has neither generator nor parser{}",
                            bundle_.classifier.is_empty() ? "" : ": its classifier is for --classifier, --judge and Python's Classifier"));
  if (!bundle_.info.attributes.empty()) attributes_ = AttributeSchema(bundle_.info.attributes);
  to(options.device);
}

Editor Editor::from_pretrained(const std::filesystem::path& folder, const EditorOptions& options) {
  if (options.engine == Engine::kOpenvino) find_engine("openvino");
  return Editor(load_bundle(folder), options);
}

void Editor::save_pretrained(const std::filesystem::path& folder) const { save_bundle(folder, bundle_); }

std::string Editor::summary() const {
  std::vector<std::string> parts;
  if (!bundle_.generator.is_empty())
    parts.push_back(bundle_.generator->custom() ? "custom generator" : describe(bundle_.generator->config()));
  if (!bundle_.mask_generator.is_empty()) parts.emplace_back("mask generator");
  if (!bundle_.classifier.is_empty()) parts.emplace_back("classifier");
  if (bundle_.parser) parts.emplace_back("parser");
  const BundleInfo& info = bundle_.info;
  return fmt::format("{}; {} px, crop {}{}{}", fmt::join(parts, ", "), info.image_size, info.crop,
                     photo_size_.known() ? fmt::format(" of {} x {}", photo_size_.width, photo_size_.height) : "",
                     info.trained_on.empty() ? "" : ", trained on " + info.trained_on);
}

std::string Editor::engine() const { return engine_->name(); }

void Editor::to(const Device& device) {
  if (asked_.engine == Engine::kOpenvino && !device.is_cpu()) {
    throw InvalidArgument(fmt::format("engine 'openvino' runs on the device cpu, found {}", device.str()));
  }
  bundle_.to(device);
}

Rect Editor::place(const at::Tensor& photo, const std::optional<Crop>& crop) const {
  check_shape(photo, "photo", {3, kAny, kAny}, "[3, H, W]");
  if (photo.scalar_type() != at::kByte) throw InvalidArgument(fmt::format("photo must be uint8, found {}", dtype_name(photo)));
  if (photo.numel() == 0) throw InvalidArgument(fmt::format("photo must have pixels, found {} x {}", photo.size(2), photo.size(1)));
  if (!photo.is_cpu()) throw InvalidArgument(fmt::format("photo must be on the device cpu, found {}", photo.device().str()));
  const int64_t width = photo.size(2), height = photo.size(1);
  return crop ? crop_rect(*crop, width, height) : crop_rect_of_any(crop_, photo_size_, width, height);
}

at::Tensor Editor::crop(const at::Tensor& photo, const std::optional<Crop>& crop) const { return crop_image(photo, place(photo, crop)); }

at::Tensor Editor::network_input(const std::vector<at::Tensor>& crops) const {
  std::vector<at::Tensor> resized;
  for (const at::Tensor& crop : crops) resized.push_back(resize_image(crop, bundle_.info.image_size, bundle_.info.image_size));
  return to_float(at::stack(resized));
}

at::Tensor Editor::classify(const at::Tensor& input) const {
  AttributeClassifier classifier = bundle_.classifier;
  if (classifier.is_empty())
    throw InvalidArgument("source: the bundle has no classifier, so the photo's attributes must be given, found none");
  return classifier->forward(to_network(input, *classifier)).sigmoid().to(at::kCPU, at::kFloat);
}

at::Tensor Editor::parsed(const at::Tensor& input) const {
  return bundle_.parser->probabilities(bundle_.parser->custom() ? input : to_network(input, *bundle_.parser->network()))
      .to(at::kCPU, at::kFloat);
}

NamedValues Editor::predict(const at::Tensor& photo, const std::optional<Crop>& crop) const {
  at::NoGradGuard no_grad;
  return by_name(attributes_, classify(network_input({this->crop(photo, crop)}))[0]);
}

EditedPhoto Editor::edit(const at::Tensor& photo, const std::vector<AttributeEdit>& edits, const EditOptions& options) const {
  return edit_batch({photo}, {edits}, options).front();
}

std::vector<EditedPhoto> Editor::edit(const std::vector<at::Tensor>& photos, const std::vector<AttributeEdit>& edits,
                                      const EditOptions& options) const {
  std::vector<EditedPhoto> out;
  if (options.faces) {
    for (size_t i = 0; i < photos.size(); ++i) {
      try {
        out.push_back(edit(photos[i], edits, options));
      } catch (const NoFaceFound& error) {
        if (photos.size() == 1) throw;
        throw NoFaceFound(fmt::format("photo {} of {}: {}", i + 1, photos.size(), error.what()), error.found());
      }
    }
    return out;
  }
  for (size_t begin = 0; begin < photos.size(); begin += kPhotosAtOnce) {
    const size_t end = std::min(photos.size(), begin + kPhotosAtOnce);
    const auto at = [&](size_t i) { return photos.begin() + static_cast<std::ptrdiff_t>(i); };
    for (EditedPhoto& edited : edit_batch({at(begin), at(end)}, std::vector(end - begin, edits), options)) out.push_back(std::move(edited));
  }
  return out;
}

std::vector<EditedPhoto> Editor::edit_each(const at::Tensor& photo, const std::vector<std::vector<AttributeEdit>>& ways,
                                           const EditOptions& options) const {
  std::vector<EditedPhoto> out;
  for (size_t begin = 0; begin < ways.size(); begin += kPhotosAtOnce) {
    const auto at = [&](size_t i) { return ways.begin() + static_cast<std::ptrdiff_t>(std::min(i, ways.size())); };
    for (EditedPhoto& edited : edit_batch({photo}, {at(begin), at(begin + kPhotosAtOnce)}, options)) out.push_back(std::move(edited));
  }
  return out;
}

std::vector<EditedPhoto> Editor::edit_batch(const std::vector<at::Tensor>& photos, const std::vector<std::vector<AttributeEdit>>& ways,
                                            const EditOptions& options) const {
  if (!options.faces) {
    std::vector<View> views;
    for (const at::Tensor& photo : photos) views.push_back(crop_view(photo, options));
    return edit_views(views, ways, options);
  }
  return edit_faces(photos.front(), ways, options);
}

Editor::View Editor::crop_view(const at::Tensor& photo, const EditOptions& options) const {
  const Rect found = place(photo, options.crop);
  return {crop_image(photo, found), found};
}

bool Editor::keeps_detail(const Rect& place, const EditOptions& options) const {
  const bool large = std::max(place.width, place.height) > bundle_.info.image_size;
  return options.upscaling == Upscaling::kDetail || (options.upscaling == Upscaling::kAuto && large);
}

std::vector<EditedPhoto> Editor::edit_views(const std::vector<View>& views, const std::vector<std::vector<AttributeEdit>>& ways,
                                            const EditOptions& options) const {
  Generator generator = bundle_.generator;
  if (generator.is_empty()) throw Error("the bundle has no generator: it can parse, not edit");
  at::NoGradGuard no_grad;
  const auto count = std::ssize(ways);
  std::vector<at::Tensor> crops;
  bool rebuild = false;
  for (const auto& [crop, place] : views) {
    crops.push_back(crop);
    rebuild = rebuild || keeps_detail(place, options);
  }
  // One photo in several ways is looked at once.
  const at::Tensor seen = network_input(crops), input = seen.expand({count, -1, -1, -1}).contiguous();
  const at::Tensor source = source_of(seen, options.source).expand({count, -1});
  std::vector<at::Tensor> differences;
  for (int64_t n = 0; n < count; ++n) differences.push_back(attributes_.difference(source.narrow(0, n, 1), ways[static_cast<size_t>(n)]));
  const at::Tensor difference = at::cat(differences);
  const auto asked = [&](const at::Tensor& wanted) { return to_network(bundle_.condition(source, wanted), *generator); };
  const auto [edit, rebuilt] =
      engine_->run(generator, to_network(input, *generator), asked(difference), rebuild ? asked(at::zeros_like(difference)) : at::Tensor());
  for (int64_t n = 0; n < count; ++n) {
    if (edit[n].isfinite().all().item<bool>()) continue;
    throw Error(fmt::format("the edit has values that are not finite: the strengths are too large ({}), or the bundle's weights damaged",
                            fmt::join(described(ways[static_cast<size_t>(n)]), ", ")));
  }
  at::Tensor region;
  if (options.region == EditRegion::kExact) region = regions(input, source, difference);
  // Drawn faces and portraits are told apart by how sure the parser is.
  at::Tensor confidence;
  if (bundle_.info.trained_on == kDrawnFaces && bundle_.parser) confidence = parsed(seen).amax(1).mean({1, 2}).expand({count});

  std::vector<EditedPhoto> out;
  for (int64_t n = 0; n < count; ++n) {
    const auto way = static_cast<size_t>(n), shown = views.size() == 1 ? 0 : way;
    const std::vector<AttributeEdit>& edits = ways[way];
    EditedPhoto& one = out.emplace_back();
    one.place = views[shown].place;
    one.crop = crops[shown];
    const bool detail = keeps_detail(one.place, options);
    const int64_t height = one.place.height, width = one.place.width;
    ResizedRows shown_rows(detail ? edit[n] - rebuilt[n] : edit[n], height, width);
    std::optional<RegionRows> weights;
    if (region.defined()) weights.emplace(region[n], height, width);
    one.photo = at::empty({3, height, width}, at::kByte);
    each_band(height, width, [&](int64_t first, int64_t rows) {
      const at::Tensor before = one.crop.narrow(1, first, rows), change = shown_rows.bilinear(first, rows);
      at::Tensor after = to_bytes(detail ? to_float(before).add_(change) : change);
      if (weights) after = within((*weights)(first, rows), after, before);
      one.photo.narrow(1, first, rows).copy_(after);
    });
    for (const auto& [name, value] : by_name(attributes_, source[n])) one.source.emplace_back(name, value > 0.5);
    one.difference = by_name(attributes_, difference[n]);
    one.provenance = provenance_of(bundle_, edits);
    const auto tell = [&](std::vector<std::string> notes) { std::ranges::move(notes, std::back_inserter(one.notes)); };
    tell(notes_on_strengths(edits));
    tell(notes_on_nothing(edits, one.difference, options.source.has_value()));
    tell(notes_on_size(one.place, bundle_.info.image_size));
    Likeness likeness;
    if (rebuild) likeness.psnr = psnr(rebuilt[n], input[n]);
    if (confidence.defined()) likeness.confidence = confidence[n].item<double>();
    tell(notes_on_likeness(likeness, bundle_.info));
  }
  return out;
}

void require_exact_regions(const Bundle& bundle, std::string_view what) {
  std::vector<std::string_view> missing;
  if (!bundle.parser) missing.emplace_back("parser");
  if (bundle.mask_generator.is_empty()) missing.emplace_back("mask generator");
  if (missing.empty()) return;
  throw InvalidArgument(fmt::format("{} needs a parser and a mask generator: the bundle has no {}", what, fmt::join(missing, " and no ")));
}

at::Tensor Editor::source_of(const at::Tensor& input, const std::optional<NamedLabels>& given) const {
  return given ? attributes_.labels(*given, "source").unsqueeze(0) : (classify(input) > 0.5).to(at::kFloat);
}

std::pair<at::Tensor, at::Tensor> Editor::mask_edit(const at::Tensor& input, const at::Tensor& source, const at::Tensor& difference) const {
  Generator mask_generator = bundle_.mask_generator;
  const at::Tensor before = parsed(input).argmax(1);
  const at::Tensor segmentation = at::one_hot(before, kSecganClasses).permute({0, 3, 1, 2}).to(at::kFloat);
  const at::Tensor after =
      mask_generator->forward(to_network(segmentation, *mask_generator), to_network(bundle_.condition(source, difference), *mask_generator))
          .argmax(1)
          .cpu();
  return {before, after};
}

at::Tensor Editor::regions(const at::Tensor& input, const at::Tensor& source, const at::Tensor& difference) const {
  require_exact_regions(bundle_, "region exact");
  const int64_t margin = region_margin(kRegionMargin, input.size(2));
  const auto [before, after] = mask_edit(input, source, difference);
  at::Tensor out = at::zeros(before.sizes(), at::kBool);
  for (int64_t a = 0; a < attributes_.size(); ++a) {
    const at::Tensor changed = difference.select(1, a).ne(0).view({-1, 1, 1});
    if (!changed.any().item<bool>()) continue;
    out |= touchable(before, after, attributes_.names()[static_cast<size_t>(a)], margin) & changed;
  }
  return out;
}

at::Tensor Editor::parse(const at::Tensor& photo, const std::optional<Crop>& crop) const { return parse_cropped(this->crop(photo, crop)); }

at::Tensor Editor::parse_cropped(const at::Tensor& crop) const {
  check_shape(crop, "crop", {3, kAny, kAny}, "[3, H, W]");
  if (!bundle_.parser) throw Error("the bundle has no parser");
  at::NoGradGuard no_grad;
  const int64_t height = crop.size(1), width = crop.size(2);
  const at::Tensor seen = parsed(network_input({crop}))[0];
  ResizedRows probabilities(seen, height, width);
  at::Tensor ids = at::empty({height, width}, at::kByte);
  each_band(
      height, width,
      [&](int64_t first, int64_t rows) {
        likeliest(probabilities.bilinear(first, rows).contiguous(), ids.mutable_data_ptr<uint8_t>() + first * width);
      },
      seen.size(0));
  return ids;
}

}  // namespace secgan
