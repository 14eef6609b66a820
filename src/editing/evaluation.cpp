#include "secgan/editing/evaluation.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/data/transforms.hpp"
#include "secgan/metrics/agreement.hpp"

namespace secgan {
namespace {

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

double Evaluation::mean_recognition() const { return mean_of(recognition); }

Evaluation evaluate(const Bundle& bundle, const Dataset& data, int64_t count, int64_t batch) {
  at::NoGradGuard no_grad;
  const bool attributes = !bundle.classifier.is_empty() || !bundle.generator.is_empty();
  if (attributes && data.attributes().names() != bundle.info.attributes) {
    throw InvalidArgument(fmt::format("the data set's attributes ({}) are not the bundle's ({})",
                                      fmt::join(data.attributes().names(), ", "), fmt::join(bundle.info.attributes, ", ")));
  }
  if (data.image_size() != bundle.info.image_size) {
    throw InvalidArgument(fmt::format("the data set's side {} is not the bundle's {}", data.image_size(), bundle.info.image_size));
  }
  Evaluation result;
  result.photos = std::min(count, data.size());
  const auto size = static_cast<int64_t>(bundle.info.attributes.size());
  const bool edits = !bundle.generator.is_empty() && !bundle.classifier.is_empty();
  std::optional<FaceParser> parser;
  if (bundle.has_parser()) parser = bundle.face_parser();
  Generator generator = bundle.generator;
  AttributeClassifier classifier = bundle.classifier;

  LabelAgreement accuracy(size), recognition(size), added(size), removed(size), kept(size);
  MaskAgreement masks(kSecganClasses);
  std::vector<double> outside(static_cast<size_t>(size), 0.0), outside_pixels(static_cast<size_t>(size), 0.0);
  double psnr_sum = 0;
  for (int64_t begin = 0; begin < result.photos; begin += batch) {
    std::vector<at::Tensor> images, label_rows, mask_rows;
    for (int64_t i = begin; i < std::min(begin + batch, result.photos); ++i) {
      const Sample sample = data.get(i);
      images.push_back(to_float(sample.image));
      if (attributes) label_rows.push_back(sample.labels);
      if (sample.mask.defined()) mask_rows.push_back(sample.mask);
    }
    const at::Tensor photos = at::stack(images).contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor parse;
    if (parser) {
      parse = parser->ids(photos);
      if (!mask_rows.empty()) masks.update(parse, ClassMerge(data.label_set()).ids(at::stack(mask_rows)));
    }
    if (!attributes) continue;
    const at::Tensor labels = at::stack(label_rows);
    at::Tensor seen;
    if (!classifier.is_empty()) {
      seen = classifier->forward(photos);
      accuracy.update(seen, labels);
    }
    if (generator.is_empty()) continue;
    psnr_sum += psnr(generator->forward(photos, bundle.condition(labels, at::zeros_like(labels))), photos).sum().item<double>();
    if (!edits) continue;
    for (int64_t a = 0; a < size; ++a) {
      const at::Tensor target = data.attributes().flip(labels, a);
      const at::Tensor edit = generator->forward(photos, bundle.condition(labels, target - labels));
      const at::Tensor logits = classifier->forward(edit);
      const at::Tensor wanted = target.select(1, a);
      recognition.update(a, logits.select(1, a), wanted);
      for (const bool adding : {true, false}) {
        const at::Tensor rows = wanted.eq(adding ? 1 : 0).nonzero().flatten();
        (adding ? added : removed).update(a, logits.select(1, a).index_select(0, rows), wanted.index_select(0, rows));
      }
      for (int64_t other = 0; other < size; ++other) {
        // What the rules changed along with a is not for preserving.
        const at::Tensor rows = target.select(1, other).eq(labels.select(1, other)).nonzero().flatten();
        if (other == a || rows.numel() == 0) continue;
        kept.update(a, logits.select(1, other).index_select(0, rows), (seen.select(1, other) > 0).to(at::kFloat).index_select(0, rows));
      }
      if (parser) {
        const at::Tensor same = parser->ids(edit).eq(parse).unsqueeze(1);
        outside[static_cast<size_t>(a)] += ((edit - photos).abs().mean(1, true) * same).sum().item<double>();
        outside_pixels[static_cast<size_t>(a)] += same.sum().item<double>();
      }
    }
  }
  if (!bundle.classifier.is_empty()) result.accuracy = accuracy.rates();
  if (edits) {
    result.recognition = recognition.rates();
    result.recognition_add = added.rates();
    result.recognition_remove = removed.rates();
    result.preservation = kept.rates();
    if (parser) {
      for (size_t a = 0; a < outside.size(); ++a) result.change_outside.push_back(outside[a] / outside_pixels[a]);
    }
  }
  if (!bundle.generator.is_empty()) result.psnr = psnr_sum / static_cast<double>(result.photos);
  if (parser && data.has_masks()) {
    result.mean_iou = masks.mean_iou();
    result.iou = masks.iou();
  }
  return result;
}

}  // namespace secgan
