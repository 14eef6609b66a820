#include "secgan/evaluation/settings.hpp"

#include <optional>
#include <utility>

#include "core/device_threads.hpp"
#include "core/format.hpp"
#include "secgan/core/device.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/kept_memory.hpp"
#include "secgan/core/threads.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "secgan/editing/preview.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {
namespace {

/// @param image_size  of the model's bundle
Judges open_judges(const EvaluateSettings& settings, Judges judges, int64_t image_size, const Device& device) {
  if (judges.classifier.is_empty() && !settings.protocol.classifier.empty()) {
    const Bundle judge = load_bundle_with(BundlePart::kClassifier, settings.protocol.classifier, "classifier");
    if (judge.info.image_size != image_size) {
      throw InvalidArgument(fmt::format("classifier: bundle {} was trained at {} px, the model at {} px", settings.protocol.classifier,
                                        judge.info.image_size, image_size));
    }
    judges.classifier = judge.classifier;
  }
  if (!judges.classifier.is_empty()) judges.classifier->to(device);
  if (!judges.inception && !settings.inception.empty())
    judges.inception = inception_extractor(settings.inception, 2048, settings.inception_resize, device);
  if (!judges.swav && !settings.swav.empty()) judges.swav = swav_extractor(settings.swav, device);
  if (!judges.other && !settings.extractor.file.empty()) judges.other = program_extractor(settings.extractor);
  if (!judges.identity && !settings.identity.file.empty()) judges.identity = program_extractor(settings.identity);
  return judges;
}

/// @param title  what the data set is called; none: it does not say
EvaluationRun evaluate(Bundle bundle, const Dataset& photos, const std::optional<std::string>& title, const EvaluateSettings& settings,
                       const Judges& given, const std::function<void(int64_t, int64_t)>& progress) {
  const Device device = find_device(settings.device);
  bundle.to(device);
  MeasuredThreads threads(threads_for(device, settings.threads));
  threads.next();
  const KeptMemory kept;
  EvaluationRun run;
  run.evaluation = evaluate(bundle, photos, settings.protocol, open_judges(settings, given, bundle.info.image_size, device),
                            {.batch = settings.batch, .progress = [&](int64_t done, int64_t total) {
                               threads.next();
                               if (progress) progress(done, total);
                             }});
  run.context.model = bundle.name;
  run.context.model_digest = bundle.digest;
  run.context.data = fmt::format("{}, {} px", title.value_or("custom photos"), photos.image_size());
  if (title && !bundle.info.trained_on.empty() && *title != bundle.info.trained_on)
    run.context.data += fmt::format("; the bundle was trained on {}", bundle.info.trained_on);
  run.context.whole_data = settings.data.whole_folder;
  for (const DataNote& note : photos.notes()) {
    if (note.wrong) run.context.data += "; " + note.text;
  }
  run.context.grid = example_grid(bundle, photos, 8);
  run.context.grid_caption = kExampleGridCaption;
  return run;
}

}  // namespace

EvaluationRun evaluate(const std::filesystem::path& model, const EvaluateSettings& settings, const Judges& given,
                       const std::function<void(int64_t, int64_t)>& progress) {
  validate(settings);
  Bundle bundle = load_bundle(model);
  const std::string crop = settings.protocol.crop.empty() ? bundle.info.crop : settings.protocol.crop;
  const DataSettings data{.source = settings.data,
                          .attributes = bundle.info.attributes,
                          .image_size = bundle.info.image_size,
                          .crop = settings.data.kind == DataKind::kSynthetic || settings.data.kind == DataKind::kPacked
                                      ? ""  // which are square
                                      : crop,
                          .count = settings.protocol.photos,
                          .cache = false};
  if (settings.data.kind == DataKind::kSynthetic) {
    if (!data.attributes.empty() && data.attributes != synthetic_attribute_names()) {
      throw InvalidArgument(fmt::format("data: drawn faces have {}, the bundle edits {}: name photos that are labeled so (--data)",
                                        fmt::join(synthetic_attribute_names(), ", "), fmt::join(data.attributes, ", ")));
    }
    if (const std::string& asked = settings.protocol.crop; !asked.empty() && parse_crop(asked) != parse_crop("center"))
      throw InvalidArgument(fmt::format("protocol.crop: drawn faces are squares, and taken whole: leave it out, found '{}'", asked));
  }
  const bool masks = bundle.parser && (settings.masks || settings.data.kind == DataKind::kSynthetic);
  const auto photos = open_dataset(data, settings.protocol.split, /*with_attributes=*/!data.attributes.empty(), masks);
  const std::optional<PhotoOrigin> origin = photos->origin();
  // Drawn faces are square, and have no size to begin with.
  if (origin && !origin->photo_size.empty() && parse_crop(origin->crop) != parse_crop(crop)) {
    throw InvalidArgument(
        fmt::format("data: '{}' was packed with the crop '{}', the evaluation's is '{}'", settings.data.root, origin->crop, crop));
  }
  return evaluate(std::move(bundle), *photos, origin ? origin->title : std::string(settings.data.title()), settings, given, progress);
}

EvaluationRun evaluate(const std::filesystem::path& model, const Dataset& photos, const EvaluateSettings& settings, const Judges& given,
                       const std::function<void(int64_t, int64_t)>& progress) {
  EvaluateSettings read = settings;
  read.data = {.kind = DataKind::kSynthetic};  // not read: the photos are here
  validate(read);
  const std::optional<PhotoOrigin> origin = photos.origin();
  return evaluate(load_bundle(model), photos, origin ? std::optional(origin->title) : std::nullopt, settings, given, progress);
}

}  // namespace secgan
