#include "evaluation/scoring.hpp"

#include <algorithm>
#include <cstdint>

#include "secgan/core/random.hpp"
#include "secgan/editing/regions.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/io/digest.hpp"
#include "secgan/metrics/agreement.hpp"
#include "secgan/metrics/structural_similarity.hpp"
#include "secgan/ops/hard_segmentation.hpp"

namespace secgan {
namespace {

class Scorer {
 public:
  explicit Scorer(Subject& subject) : subject_(subject) {
    if (!subject.edits) return;
    for (const FeatureExtractor* extractor : subject.extractors) scores_.seen.emplace_back(*extractor);
  }

  void add(int64_t begin, int64_t end) {
    const Batch batch = read(begin, end);
    at::Tensor parse, segmentation;
    if (subject_.parser) {
      const at::Tensor log_probabilities = subject_.parser->log_probabilities(batch.photos);
      parse = log_probabilities.argmax(1);
      segmentation = hard_segmentation(log_probabilities);
      if (batch.masks.defined())
        scores_.parse_pairs.add(confusion_counts(parse.cpu(), ClassMerge(subject_.data.label_set()).ids(batch.masks), kSecganClasses));
    }
    if (!subject_.labeled) return;
    scores_.labels.add(batch.labels);
    at::Tensor before;
    if (!subject_.classifier.is_empty()) {
      before = subject_.classifier->forward(batch.photos) > 0;
      scores_.right.add(before.eq(batch.labels > 0.5));
    }
    if (!subject_.generator.is_empty()) add_reconstruction(batch);
    if (subject_.edits) add_edits(batch, parse, segmentation, before);
  }

  PhotoScores take() {
    for (ExtractedFeatures& view : scores_.seen) view.sort();
    return std::move(scores_);
  }

 private:
  struct Batch {
    int64_t begin, end;
    at::Tensor bytes, photos;  // [B, 3, S, S]; the bytes on the CPU
    at::Tensor labels, masks;  // undefined where there are none; the masks on the CPU
  };

  Batch read(int64_t begin, int64_t end) {
    std::vector<at::Tensor> images, labels, masks;
    for (int64_t i = begin; i < end; ++i) {
      const Sample sample = subject_.data.get(i);
      NamedTensors content{{sample.id, sample.image}};
      if (subject_.labeled) content.emplace_back("labels", sample.labels);
      scores_.digest = sha256(scores_.digest + sha256_tensors(content));
      images.push_back(sample.image);
      if (subject_.labeled) labels.push_back(sample.labels);
      if (sample.mask.defined()) masks.push_back(sample.mask);
    }
    Batch batch{begin, end, at::stack(images), {}, {}, {}};
    batch.photos = to_device(network_input(batch.bytes), subject_.device);
    if (!labels.empty()) batch.labels = to_device(at::stack(labels), subject_.device);
    if (!masks.empty()) batch.masks = at::stack(masks);
    return batch;
  }

  void add_reconstruction(const Batch& batch) {
    const at::Tensor condition = subject_.bundle.condition(batch.labels, at::zeros_like(batch.labels));
    const at::Tensor reconstruction = to_float(to_bytes(subject_.generator->forward(batch.photos, condition)));
    // libvmaf's bound for 8 bits: one photo rebuilt without any error would make the mean infinite.
    constexpr double kMostDecibels = 60;
    scores_.psnr.add(psnr(reconstruction, batch.photos).clamp_max(kMostDecibels));
    scores_.ssim.add(structural_similarity(reconstruction, batch.photos));
    scores_.l1.add((reconstruction - batch.photos).abs().to(at::kDouble).flatten(1).mean(1));
  }

  /// @param parse, segmentation  of the photos, ids and one-hot; undefined without parser   @param before  the judge's predictions
  void add_edits(const Batch& batch, const at::Tensor& parse, const at::Tensor& segmentation, const at::Tensor& before) {
    for (ExtractedFeatures& view : scores_.seen) view.photos.add((*view.extractor)(batch.bytes).features);
    const at::Tensor identity = subject_.judges.identity ? (*subject_.judges.identity)(batch.bytes).features : at::Tensor();
    const bool branch = subject_.parser && !subject_.mask_generator.is_empty();
    const at::Tensor in_distribution = chosen(batch.begin, batch.end);

    Columns asked, found, adding, kept, keepable, outside, outside_pixels, same_person;
    at::Tensor branch_pairs = at::zeros({batch.end - batch.begin, kSecganClasses, kSecganClasses}, at::kLong);
    for (size_t f = 0; f < subject_.flipped.size(); ++f) {
      const int64_t a = subject_.flipped[f];
      const Edit edit = subject_.edit(batch.photos, batch.labels, a);
      const at::Tensor after = subject_.classifier->forward(edit.photos) > 0;
      const at::Tensor wanted = edit.target.select(1, a) > 0.5;
      asked.add(at::ones_like(wanted));
      found.add(after.select(1, a).eq(wanted));
      adding.add(wanted);
      // What the rules changed along with a is not for preserving.
      at::Tensor free = edit.target.eq(batch.labels);
      free.select(1, a).fill_(false);
      kept.add((after.eq(before) & free).sum(1));
      keepable.add(free.sum(1));
      if (subject_.parser) {
        const at::Tensor parsed = subject_.parser->ids(edit.photos);
        const at::Tensor free_pixels = ~touchable(parse, parsed, subject_.schema.names()[static_cast<size_t>(a)], margin());
        outside.add(((edit.photos - batch.photos).abs().mean(1) * free_pixels).flatten(1).sum(1));
        outside_pixels.add(free_pixels.flatten(1).sum(1));
        if (branch) branch_pairs += confusion_counts(parsed, mask_edit(segmentation, batch.labels, edit.difference), kSecganClasses).cpu();
      }
      if (identity.defined()) same_person.add(at::cosine_similarity(identity, (*subject_.judges.identity)(edit.bytes).features));
      show_extractors(edit, batch.begin, static_cast<int64_t>(f), in_distribution.select(1, static_cast<int64_t>(f)));
    }
    asked.flush(scores_.asked);
    found.flush(scores_.found);
    adding.flush(scores_.adding);
    kept.flush(scores_.kept);
    keepable.flush(scores_.keepable);
    outside.flush(scores_.outside);
    outside_pixels.flush(scores_.outside_pixels);
    same_person.flush(scores_.identity);
    if (branch) scores_.branch_pairs.add(branch_pairs);
  }

  at::Tensor mask_edit(const at::Tensor& segmentation, const at::Tensor& labels, const at::Tensor& difference) {
    return subject_.mask_generator->forward(segmentation, subject_.bundle.condition(labels, difference)).argmax(1);
  }

  void show_extractors(const Edit& edit, int64_t begin, int64_t f, const at::Tensor& in_distribution) {
    const at::Tensor rows = in_distribution.nonzero().flatten();
    if (rows.numel() == 0) return;
    const at::Tensor pictures = edit.bytes.index_select(0, rows);
    for (ExtractedFeatures& view : scores_.seen) {
      const Extracted extracted = (*view.extractor)(pictures);
      view.edits.add(extracted.features);
      if (extracted.logits.defined()) view.edit_logits.add(extracted.logits);
      view.edit_photo.add(rows + begin);
      view.edit_attribute.add(at::full({rows.size(0)}, f, at::kLong));
    }
  }

  /// Which of each photo's edits stand for it in distributions, the same whatever the batch: [B, F] bool.
  at::Tensor chosen(int64_t begin, int64_t end) const {
    const auto count = static_cast<int64_t>(subject_.flipped.size());
    at::Tensor out = at::zeros({end - begin, count}, at::kBool);
    for (int64_t i = begin; i < end; ++i) {
      at::Generator generator = seeded_generator(mix_seed(subject_.protocol.seed, RandomPurpose::kEditsOfPhoto, i));
      const at::Tensor picked = at::randperm(count, generator, at::kLong).narrow(0, 0, subject_.edits_per_photo());
      out[i - begin].index_fill_(0, picked, true);
    }
    return out;
  }

  int64_t margin() const { return region_margin(subject_.protocol.region_margin, subject_.data.image_size()); }

  Subject& subject_;
  PhotoScores scores_;
};

}  // namespace

PhotoScores score(Subject& subject, const EvaluationControl& control) {
  Scorer scorer(subject);
  const auto report = [&](int64_t done) {
    if (control.progress) control.progress(done, subject.photos);
  };
  report(0);
  for (int64_t begin = 0; begin < subject.photos; begin += control.batch) {
    const int64_t end = std::min(begin + control.batch, subject.photos);
    scorer.add(begin, end);
    report(end);
  }
  return scorer.take();
}

}  // namespace secgan
