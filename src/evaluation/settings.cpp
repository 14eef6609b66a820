#include "secgan/evaluation/settings.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <thread>

#include "core/format.hpp"
#include "core/rules.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/names.hpp"
#include "secgan/editing/preview.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/io/digest.hpp"

namespace secgan {
namespace {

Judges open_judges(const EvaluateSettings& settings, Judges judges) {
  if (judges.classifier.is_empty() && !settings.protocol.classifier.empty()) {
    judges.classifier = load_bundle(settings.protocol.classifier).classifier;
    if (judges.classifier.is_empty())
      throw InvalidArgument(fmt::format("classifier: bundle {} holds no classifier", settings.protocol.classifier));
  }
  if (!judges.inception && !settings.inception.empty())
    judges.inception = inception_extractor(settings.inception, 2048, settings.inception_resize);
  if (!judges.swav && !settings.swav.empty()) judges.swav = swav_extractor(settings.swav);
  if (!judges.other && !settings.extractor.file.empty()) judges.other = program_extractor(settings.extractor);
  if (!judges.identity && !settings.identity.file.empty()) judges.identity = program_extractor(settings.identity);
  return judges;
}

/// The first photos with all their edits, as one picture.
at::Tensor example_grid(const Bundle& bundle, const Dataset& data) {
  if (bundle.generator.is_empty()) return {};
  std::vector<at::Tensor> photos, labels;
  for (int64_t i = 0; i < std::min<int64_t>(8, data.size()); ++i) {
    const Sample sample = data.get(i);
    photos.push_back(to_float(sample.image));
    labels.push_back(sample.labels);
  }
  return preview(bundle, at::stack(photos), at::stack(labels));
}

void check(const EvaluateSettings& settings) {
  settings.protocol.validate();
  require_positive("batch", settings.batch);
  require_not_negative("threads", settings.threads);
}

EvaluationRun evaluate(const Bundle& bundle, const std::filesystem::path& model, const Dataset& photos, const std::string& words,
                       const EvaluateSettings& settings, const Judges& own, const std::function<void(int64_t, int64_t)>& progress) {
  at::set_num_threads(static_cast<int>(settings.threads > 0 ? settings.threads : std::thread::hardware_concurrency()));
  EvaluationRun run;
  run.evaluation = evaluate(bundle, photos, settings.protocol, open_judges(settings, own), {.batch = settings.batch, .progress = progress});
  run.context.model = std::filesystem::weakly_canonical(model).filename().string();
  run.context.model_digest = sha256_file(model / "model.safetensors");
  run.context.data = fmt::format("{}, {} px", words, photos.image_size());
  run.context.grid = example_grid(bundle, photos);
  run.context.grid_caption = fmt::format(
      "Columns: input, reconstruction, {} (each flipped: added where it was missing, removed where it was there). Below each photo "
      "its parse and the mask branch's answers, where the bundle has them.",
      fmt::join(bundle.info.attributes, ", "));
  return run;
}

}  // namespace

EvaluationRun evaluate(const std::filesystem::path& model, const EvaluateSettings& settings, const Judges& own,
                       const std::function<void(int64_t, int64_t)>& progress) {
  check(settings);
  const Bundle bundle = load_bundle(model);
  DataSettings data = settings.data;
  data.image_size = bundle.info.image_size;
  data.crop = settings.protocol.crop.empty() ? bundle.info.crop : settings.protocol.crop;
  data.attributes = bundle.info.attributes;
  data.count = settings.protocol.photos;
  data.cache = false;
  const bool masks = bundle.has_parser() && (settings.masks || data.kind == DataKind::kSynthetic);
  const auto photos = open_dataset(data, settings.protocol.split, /*with_attributes=*/!data.attributes.empty(), masks);
  return evaluate(bundle, model, *photos, name_of(kDataKinds, data.kind), settings, own, progress);
}

EvaluationRun evaluate(const std::filesystem::path& model, const Dataset& photos, const EvaluateSettings& settings, const Judges& own,
                       const std::function<void(int64_t, int64_t)>& progress) {
  check(settings);
  return evaluate(load_bundle(model), model, photos, "photos of one's own", settings, own, progress);
}

}  // namespace secgan
