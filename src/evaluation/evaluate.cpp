#include "secgan/evaluation/evaluate.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/format.hpp"
#include "evaluation/confusion.hpp"
#include "evaluation/distributions.hpp"
#include "evaluation/process.hpp"
#include "evaluation/rows.hpp"
#include "io/options_json.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/random.hpp"
#include "secgan/data/transforms.hpp"
#include "secgan/evaluation/regions.hpp"
#include "secgan/io/digest.hpp"
#include "secgan/metrics/agreement.hpp"
#include "secgan/metrics/structural_similarity.hpp"
#include "secgan/ops/hard_segmentation.hpp"

namespace secgan {
namespace {

/// Per-photo contributions to every measure.
struct PhotoScores {
  Rows labels;                                // [N, A]
  Rows right;                                 // [N, A] the classifier is right about the photo
  Rows asked, found, adding, kept, keepable;  // [N, F]
  Rows outside, outside_pixels, identity;     // [N, F]
  Rows psnr, ssim, l1;                        // [N]
  Rows parse_pairs, branch_pairs;             // [N, 144] confusion counts
};

class Evaluator {
 public:
  Evaluator(const Bundle& bundle, const Dataset& data, const EvaluationProtocol& protocol, const Judges& judges,
            const EvaluationControl& control)
      : bundle_(bundle),
        data_(data),
        control_(control),
        generator_(bundle.generator),
        mask_generator_(bundle.mask_generator),
        classifier_(judges.classifier.is_empty() ? bundle.classifier : judges.classifier),
        judges_(judges) {
    out_.protocol = protocol;
    protocol.validate();
    check_fit();
    bootstrap_.emplace(out_.photos, protocol.resamples, mix_seed(protocol.seed, 1), protocol.level);
    distribution_bootstrap_.emplace(out_.photos, protocol.distribution_resamples, mix_seed(protocol.seed, 1), protocol.level);
    if (bundle.has_parser()) parser_ = bundle.face_parser();
    if (edits_) {
      for (const auto* extractor : {&judges_.swav, &judges_.inception, &judges_.other}) {
        if (extractor->has_value()) seen_.emplace_back(**extractor);
      }
      if (seen_.empty()) {
        fallback_ = classifier_extractor(classifier_, "classifier");
        seen_.emplace_back(*fallback_);
      }
      out_.neighbours = seen_.front().extractor->name;
      if (!seen_.empty() && !fallback_) require_samples();
    }
  }

  Evaluation run() {
    at::NoGradGuard no_grad;
    std::string digest;
    if (control_.progress) control_.progress(0, out_.photos);
    for (int64_t begin = 0; begin < out_.photos; begin += control_.batch) {
      score_batch(begin, std::min(begin + control_.batch, out_.photos), digest);
      if (control_.progress) control_.progress(std::min(begin + control_.batch, out_.photos), out_.photos);
    }
    for (Seen& view : seen_) view.sort();
    pin(digest);
    figures();
    if (edits_) notable_edits();
    return std::move(out_);
  }

 private:
  bool has_attributes() const { return !bundle_.info.attributes.empty() && (!classifier_.is_empty() || !generator_.is_empty()); }
  double strength() const { return out_.protocol.strength; }
  std::vector<int64_t>& flipped() { return flipped_; }

  void check_fit() {
    const auto& names = bundle_.info.attributes;
    if (has_attributes()) {
      if (data_.attributes().names() != names) {
        throw InvalidArgument(fmt::format("the data set's attributes ({}) are not the bundle's ({})",
                                          fmt::join(data_.attributes().names(), ", "), fmt::join(names, ", ")));
      }
      schema_ = AttributeSchema(names, out_.protocol.conflicts);
      if (out_.protocol.attributes.empty()) out_.protocol.attributes = names;
      for (const std::string& name : out_.protocol.attributes) flipped_.push_back(schema_.index(name));
    }
    if (data_.image_size() != bundle_.info.image_size) {
      throw InvalidArgument(fmt::format("the data set's side {} is not the bundle's {}", data_.image_size(), bundle_.info.image_size));
    }
    if (!judges_.classifier.is_empty() && judges_.classifier->options().attributes != static_cast<int64_t>(names.size())) {
      throw InvalidArgument(
          fmt::format("classifier: it knows {} attributes, the bundle has {}", judges_.classifier->options().attributes, names.size()));
    }
    if (out_.protocol.crop.empty()) out_.protocol.crop = bundle_.info.crop;
    const int64_t wanted = out_.protocol.photos;
    if (wanted > data_.size()) throw InvalidArgument(fmt::format("photos {} are more than the split has ({})", wanted, data_.size()));
    out_.photos = wanted > 0 ? wanted : data_.size();
    if (out_.photos == 0) throw InvalidArgument("photos: the split has none");
    edits_ = !generator_.is_empty() && !classifier_.is_empty() && !flipped_.empty();
  }

  void require_samples() const {
    const int64_t per_photo = edits_per_photo(), edits = out_.photos * per_photo;
    if (std::min(out_.photos, edits) < out_.protocol.min_samples) {
      throw InvalidArgument(fmt::format("photos: a Fréchet distance needs at least {} photos and edits (min_samples), found {} and {}",
                                        out_.protocol.min_samples, out_.photos, edits));
    }
    const int64_t subset = out_.protocol.kernel_subset_size;
    if (judges_.inception && std::min(out_.photos, edits) < subset) {
      throw InvalidArgument(
          fmt::format("kernel_subset_size {} is more than there are photos ({}) or edits ({})", subset, out_.photos, edits));
    }
  }

  int64_t edits_per_photo() const {
    const auto all = static_cast<int64_t>(flipped_.size());
    return out_.protocol.edits_per_photo > 0 ? std::min(out_.protocol.edits_per_photo, all) : all;
  }

  /// Which of a photo's edits stand for it in distributions: [F] bool, the same whatever the batch.
  at::Tensor chosen(int64_t photo) const {
    const auto count = static_cast<int64_t>(flipped_.size());
    at::Tensor out = at::zeros({count}, at::kBool);
    at::Generator generator = seeded_generator(mix_seed(out_.protocol.seed, 2, photo));
    out.index_fill_(0, at::randperm(count, generator, at::kLong).narrow(0, 0, edits_per_photo()), true);
    return out;
  }

  struct Edit {
    at::Tensor target;      ///< [B, A] labels
    at::Tensor difference;  ///< [B, A], before the bundle's intensity
    at::Tensor bytes;       ///< [B, 3, S, S] uint8: as a file holds it
    at::Tensor photos;      ///< the same, float
  };

  Edit edit(const at::Tensor& photos, const at::Tensor& labels, int64_t attribute) {
    Edit out;
    out.target = schema_.flip(labels, attribute);
    out.difference = strength() * (out.target - labels);
    out.bytes = to_bytes(generator_->forward(photos, bundle_.condition(labels, out.difference)));
    out.photos = to_float(out.bytes).contiguous(at::MemoryFormat::ChannelsLast);
    return out;
  }

  void score_batch(int64_t begin, int64_t end, std::string& digest) {
    std::vector<at::Tensor> images, label_rows, mask_rows;
    for (int64_t i = begin; i < end; ++i) {
      const Sample sample = data_.get(i);
      images.push_back(sample.image);
      NamedTensors content{{sample.id, sample.image}};
      if (has_attributes()) {
        label_rows.push_back(sample.labels);
        content.emplace_back("labels", sample.labels);
      }
      digest = sha256(digest + sha256_tensors(content));
      if (sample.mask.defined()) mask_rows.push_back(sample.mask);
    }
    const at::Tensor bytes = at::stack(images);
    const at::Tensor photos = to_float(bytes).contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor parse, hard;
    if (parser_) {
      const at::Tensor log_probabilities = parser_->log_probabilities(photos);
      hard = hard_segmentation(log_probabilities);
      parse = log_probabilities.argmax(1);
      if (!mask_rows.empty()) scores_.parse_pairs.add(confusion(parse, ClassMerge(data_.label_set()).ids(at::stack(mask_rows))));
    }
    if (!has_attributes()) return;
    const at::Tensor labels = at::stack(label_rows);
    scores_.labels.add(labels);
    at::Tensor seen;
    if (!classifier_.is_empty()) {
      seen = classifier_->forward(photos) > 0;
      scores_.right.add(seen.eq(labels > 0.5));
    }
    if (generator_.is_empty()) return;
    const at::Tensor reconstruction = to_float(to_bytes(generator_->forward(photos, bundle_.condition(labels, at::zeros_like(labels)))));
    scores_.psnr.add(psnr(reconstruction, photos));
    scores_.ssim.add(structural_similarity(reconstruction, photos));
    scores_.l1.add((reconstruction - photos).abs().to(at::kDouble).flatten(1).mean(1));
    if (!edits_) return;

    const at::Tensor indices = at::arange(begin, end, at::kLong);
    std::vector<at::Tensor> choice;
    for (int64_t i = begin; i < end; ++i) choice.push_back(chosen(i));
    const at::Tensor in_distribution = at::stack(choice);
    for (Seen& view : seen_) view.photos.add((*view.extractor)(bytes).features);
    const at::Tensor identity = judges_.identity ? (*judges_.identity)(bytes).features : at::Tensor();

    Columns asked, found, adding, kept, keepable, outside, outside_pixels, same_person;
    at::Tensor branch_pairs = at::zeros({end - begin, kPairs}, at::kLong);
    for (size_t f = 0; f < flipped_.size(); ++f) {
      const int64_t a = flipped_[f];
      const Edit edited = this->edit(photos, labels, a);
      const at::Tensor now = classifier_->forward(edited.photos) > 0;
      const at::Tensor wanted = edited.target.select(1, a) > 0.5;
      asked.add(at::ones_like(wanted));
      found.add(now.select(1, a).eq(wanted));
      adding.add(wanted);
      // What the rules changed along with a is not for preserving.
      at::Tensor free = edited.target.eq(labels);
      free.select(1, a).fill_(false);
      kept.add((now.eq(seen) & free).sum(1));
      keepable.add(free.sum(1));
      if (parser_) {
        const at::Tensor parsed = parser_->ids(edited.photos);
        const at::Tensor free_pixels = ~touchable(parse, parsed, schema_.names()[static_cast<size_t>(a)], margin());
        outside.add(((edited.photos - photos).abs().mean(1) * free_pixels).flatten(1).sum(1));
        outside_pixels.add(free_pixels.flatten(1).sum(1));
        if (!mask_generator_.is_empty()) {
          const at::Tensor mask = mask_generator_->forward(hard, bundle_.condition(labels, edited.difference)).argmax(1);
          branch_pairs += confusion(parsed, mask);
        }
      }
      if (identity.defined()) same_person.add(at::cosine_similarity(identity, (*judges_.identity)(edited.bytes).features));
      const at::Tensor rows = in_distribution.select(1, static_cast<int64_t>(f)).nonzero().flatten();
      if (rows.numel() == 0) continue;
      const at::Tensor pictures = edited.bytes.index_select(0, rows);
      for (Seen& view : seen_) {
        const Extracted extracted = (*view.extractor)(pictures);
        view.edits.add(extracted.features);
        if (extracted.logits.defined()) view.edit_logits.add(extracted.logits);
        view.edit_photo.add(indices.index_select(0, rows));
        view.edit_attribute.add(at::full({rows.size(0)}, static_cast<int64_t>(f), at::kLong));
      }
    }
    asked.flush(scores_.asked), found.flush(scores_.found), adding.flush(scores_.adding), kept.flush(scores_.kept),
        keepable.flush(scores_.keepable);
    outside.flush(scores_.outside), outside_pixels.flush(scores_.outside_pixels), same_person.flush(scores_.identity);
    if (parser_ && !mask_generator_.is_empty()) scores_.branch_pairs.add(branch_pairs);
  }

  int64_t margin() const { return std::llround(static_cast<double>(out_.protocol.region_margin * data_.image_size()) / 64.0); }

  void pin(std::string photos) {
    out_.pinned.photos = std::move(photos);
    if (!classifier_.is_empty()) out_.pinned.classifier = sha256_tensors(module_state(*classifier_));
    for (const auto* extractor : {&judges_.inception, &judges_.swav, &judges_.other, &judges_.identity}) {
      if (!extractor->has_value()) continue;
      out_.pinned.extractors.push_back(fmt::format("{}, {}, {}", (*extractor)->name, (*extractor)->input, (*extractor)->fingerprint));
    }
    nlohmann::ordered_json protocol = to_json(out_.protocol);
    protocol.erase("name");        // for people
    protocol.erase("classifier");  // its weights count, not its folder
    out_.hash = sha256(nlohmann::ordered_json{{"version", kProtocolVersion},
                                              {"protocol", protocol},
                                              {"photos", out_.pinned.photos},
                                              {"classifier", out_.pinned.classifier},
                                              {"extractors", out_.pinned.extractors}}
                           .dump());
  }

  void add(std::string key, std::string title, std::string unit, int digits, std::optional<Interval> measured, std::string missing = {}) {
    out_.figures.push_back(
        {std::move(key), std::move(title), std::move(unit), digits, measured, measured ? std::string() : std::move(missing)});
  }

  std::string why_no_edits() const {
    if (generator_.is_empty()) return "the bundle has no generator";
    return "there is no classifier to judge edits";
  }

  void figures() {
    const Bootstrap& bootstrap = *bootstrap_;
    using At = std::optional<Interval>;
    at::Tensor asked, found, adding, removing, kept, keepable, outside, outside_pixels, right;
    if (edits_) {
      asked = scores_.asked.doubles(), found = scores_.found.doubles(), adding = scores_.adding.doubles(), removing = 1 - adding;
      kept = scores_.kept.doubles(), keepable = scores_.keepable.doubles();
      if (parser_) outside = scores_.outside.doubles(), outside_pixels = scores_.outside_pixels.doubles();
    }
    if (!scores_.right.empty()) right = scores_.right.doubles();
    const auto when = [](bool there, const auto& measure) { return there ? At(measure()) : At(); };

    const std::string no_edits = why_no_edits(), no_generator = "the bundle has no generator", no_parser = "the bundle has no parser";
    add("tarr", "TARR, target attribute recognition rate", "", 3, when(edits_, [&] { return bootstrap.mean_ratio(found, asked); }),
        no_edits);
    add("tarr_add", "TARR where the attribute was added", "", 3, when(edits_, [&] { return bootstrap.mean_ratio(found * adding, adding); }),
        no_edits);
    add("tarr_remove", "TARR where it was removed", "", 3, when(edits_, [&] { return bootstrap.mean_ratio(found * removing, removing); }),
        no_edits);
    add("tarr_balanced", "TARR, mean of all sides", "", 3,
        when(edits_, [&] { return bootstrap.mean_ratio(at::cat({found * adding, found * removing}, 1), at::cat({adding, removing}, 1)); }),
        no_edits);
    add("preservation", "attributes not asked for that stay", "", 3, when(edits_, [&] { return bootstrap.mean_ratio(kept, keepable); }),
        no_edits);
    add("change_outside", "mean change outside the attribute's region, of a range of 2", "", 4,
        when(edits_ && parser_, [&] { return bootstrap.mean_ratio(outside, outside_pixels); }), edits_ ? no_parser : no_edits);
    add("classifier_accuracy", "the classifier's own accuracy on the photos", "", 3,
        when(right.defined(), [&] { return bootstrap.mean_ratio(right, at::ones_like(right)); }), "there is no classifier");

    const bool reconstructs = !scores_.psnr.empty();
    add("psnr", "PSNR of the reconstruction", "dB", 2, when(reconstructs, [&] { return bootstrap.mean(scores_.psnr.doubles()); }),
        no_generator);
    add("ssim", "SSIM of the reconstruction", "", 4, when(reconstructs, [&] { return bootstrap.mean(scores_.ssim.doubles()); }),
        no_generator);
    add("l1", "mean absolute error of the reconstruction, of a range of 2", "", 4,
        when(reconstructs, [&] { return bootstrap.mean(scores_.l1.doubles()); }), no_generator);

    distribution_figures();

    const bool branch = !scores_.branch_pairs.empty();
    const std::string no_branch = edits_ && parser_ ? "the bundle has no mask generator" : edits_ ? no_parser : no_edits;
    const auto accuracy = [](const at::Tensor& counts) {
      return counts.view({-1, kSecganClasses, kSecganClasses}).diagonal(0, 1, 2).sum(1) / counts.sum(1);
    };
    add("branch_miou", "edits parsed against the mask branch's edits: mean IoU", "", 3,
        when(branch, [&] { return confusion_interval(bootstrap, scores_.branch_pairs.doubles(), mean_iou); }), no_branch);
    add("branch_accuracy", "the same: pixel accuracy", "", 3,
        when(branch, [&] { return confusion_interval(bootstrap, scores_.branch_pairs.doubles(), accuracy); }), no_branch);
    const bool parses = !scores_.parse_pairs.empty();
    const std::string no_masks = parser_ ? "the data set has no masks" : no_parser;
    add("parser_miou", "the parser's mean IoU against the data set's masks", "", 3,
        when(parses, [&] { return confusion_interval(bootstrap, scores_.parse_pairs.doubles(), mean_iou); }), no_masks);
    if (parses) {
      const at::Tensor table = scores_.parse_pairs.doubles().sum(0).view({kSecganClasses, kSecganClasses});
      const at::Tensor both = table.diagonal(), iou = both / (table.sum(0) + table.sum(1) - both);
      for (int64_t c = 0; c < kSecganClasses; ++c) out_.parser_iou.push_back(iou[c].item<double>());
    }
    add("identity_cosine", "cosine of the identity embedding, photo against edit", "", 3,
        when(!scores_.identity.empty(),
             [&] {
               const at::Tensor cosine = scores_.identity.doubles();
               return bootstrap.mean_ratio(cosine, at::ones_like(cosine));
             }),
        edits_ ? "no embedding network was given" : no_edits);
    add("milliseconds_per_photo", fmt::format("time of one edit, photo by photo, {} threads", at::get_num_threads()), "ms", 2,
        when(!generator_.is_empty(), [&] { return edit_time(); }), no_generator);
    const double peak = static_cast<double>(peak_memory_bytes()) / (1 << 20);
    add("peak_memory", "peak memory of the process", "MiB", 0, Interval{peak, peak, peak, 1});

    for (size_t f = 0; edits_ && f < flipped_.size(); ++f) {
      const auto column = [&](const at::Tensor& values) { return values.select(1, static_cast<int64_t>(f)); };
      const auto ratio = [&](const char* key, const char* title, const at::Tensor& numerators, const at::Tensor& denominators,
                             int digits = 3) {
        const bool any = denominators.defined() && column(denominators).sum().item<double>() > 0;
        return Figure{key,
                      title,
                      "",
                      digits,
                      when(any, [&] { return bootstrap.ratio(column(numerators), column(denominators)); }),
                      any ? "" : "no photo asks for it"};
      };
      std::vector<Figure> row{ratio("tarr", "TARR", found, asked), ratio("tarr_add", "added", found * adding, adding),
                              ratio("tarr_remove", "removed", found * removing, removing),
                              ratio("preservation", "others stay", kept, keepable)};
      if (parser_) row.push_back(ratio("change_outside", "change outside", outside, outside_pixels, 4));
      if (!scores_.identity.empty()) {
        const at::Tensor cosine = scores_.identity.doubles();
        row.push_back(ratio("identity_cosine", "identity", cosine, at::ones_like(cosine)));
      }
      row.push_back({"classifier_accuracy", "classifier's accuracy", "", 3, bootstrap.mean(right.select(1, flipped_[f])), ""});
      out_.attributes.push_back({schema_.names()[static_cast<size_t>(flipped_[f])], std::move(row)});
    }
  }

  const Seen* seen_by(const std::optional<FeatureExtractor>& extractor) const {
    for (const Seen& view : seen_) {
      if (extractor && view.extractor == &*extractor) return &view;
    }
    return nullptr;
  }

  void distribution_figures() {
    const std::string no_edits = why_no_edits();
    const auto why = [&](const char* flag) { return edits_ ? fmt::format("no weights were given ({})", flag) : no_edits; };
    const Seen *inception = seen_by(judges_.inception), *swav = seen_by(judges_.swav), *other = seen_by(judges_.other);
    using At = std::optional<Interval>;
    add("fid", "FID of the edits, Inception v3", "", 2, inception ? At(frechet_interval(*inception, *distribution_bootstrap_)) : At(),
        why("--inception"));
    add("ssfid", "ssFID of the edits, SwAV ResNet-50", "", 3, swav ? At(frechet_interval(*swav, *distribution_bootstrap_)) : At(),
        why("--swav"));
    add("kid", "KID of the edits, Inception v3", "", 5,
        inception ? At(kernel_interval(*inception, *distribution_bootstrap_, out_.protocol)) : At(), why("--inception"));
    const bool logits = inception && !inception->edit_logits.empty();
    add("is", "Inception Score of the edits", "", 3,
        logits ? At(score_interval(*inception, *distribution_bootstrap_, out_.protocol)) : At(),
        inception ? "the weights have no classifier layer" : why("--inception"));
    if (other)
      add("frechet_" + other->extractor->name, fmt::format("Fréchet distance of the edits in the features of {}", other->extractor->name),
          "", 3, frechet_interval(*other, *distribution_bootstrap_));
  }

  /// Median over some photos; the interval is the bootstrap of that median.
  Interval edit_time() {
    constexpr int64_t kPhotos = 30, kWarm = 3;
    std::vector<double> times;
    const int64_t size = bundle_.generator->options().attributes;
    for (int64_t i = 0; i < kPhotos + kWarm; ++i) {
      const at::Tensor photo = to_float(data_.get(i % out_.photos).image).unsqueeze(0).contiguous(at::MemoryFormat::ChannelsLast);
      const at::Tensor condition = at::zeros({1, size});
      const auto begin = std::chrono::steady_clock::now();
      generator_->forward(photo, condition);
      const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
      if (i >= kWarm) times.push_back(taken.count());
    }
    const at::Tensor all = at::tensor(times, at::kDouble);
    const at::Tensor draws =
        at::randint(kPhotos, {out_.protocol.resamples, kPhotos}, seeded_generator(mix_seed(out_.protocol.seed, 4)), at::kLong);
    const at::Tensor medians = std::get<0>(all.index_select(0, draws.flatten()).view(draws.sizes()).median(1));
    return bootstrap_->interval(all.median().item<double>(), medians, kPhotos);
  }

  /// The `count` largest values of a column, as photos to show.
  void notable(std::vector<NotableEdit>& out, const at::Tensor& values, const at::Tensor& photo, size_t f) {
    const int64_t count = std::min(control_.notable, values.numel());
    if (count == 0) return;
    const auto [top, order] = values.topk(count);
    for (int64_t k = 0; k < count; ++k) {
      const int64_t index = photo[order[k].item<int64_t>()].item<int64_t>();
      const Sample sample = data_.get(index);
      const at::Tensor labels = sample.labels.unsqueeze(0);
      const Edit edited = edit(to_float(sample.image).unsqueeze(0).contiguous(at::MemoryFormat::ChannelsLast), labels, flipped_[f]);
      out.push_back({schema_.names()[static_cast<size_t>(flipped_[f])], edited.target[0][flipped_[f]].item<float>() > 0.5, sample.id,
                     top[k].item<double>(), sample.image, edited.bytes[0]});
    }
  }

  void notable_edits() {
    if (control_.notable <= 0) return;
    const at::Tensor every = at::arange(out_.photos, at::kLong);
    if (parser_) {
      const at::Tensor mean = scores_.outside.doubles() / scores_.outside_pixels.doubles().clamp_min(1);
      for (size_t f = 0; f < flipped_.size(); ++f) notable(out_.outside, mean.select(1, static_cast<int64_t>(f)), every, f);
    }
    const Seen& view = seen_.front();
    const at::Tensor photos = view.photos.all(), edits = view.edits.all(), origin = view.edit_photo.all(),
                     attribute = view.edit_attribute.all();
    const at::Tensor labels = scores_.labels.all();
    for (size_t f = 0; f < flipped_.size(); ++f) {
      const at::Tensor has = labels.select(1, flipped_[f]) > 0.5;
      const at::Tensor mine = attribute.eq(static_cast<int64_t>(f)).nonzero().flatten();
      if (mine.numel() == 0) continue;
      const at::Tensor of_photo = origin.index_select(0, mine);
      const at::Tensor had = has.index_select(0, of_photo);
      at::Tensor distance = at::full({mine.size(0)}, -1.0, at::kDouble);
      for (const bool adding : {true, false}) {
        const at::Tensor rows = had.eq(!adding).nonzero().flatten(), real = has.eq(adding).nonzero().flatten();
        if (rows.numel() == 0 || real.numel() == 0) continue;
        const at::Tensor nearest =
            std::get<0>(at::cdist(edits.index_select(0, mine.index_select(0, rows)), photos.index_select(0, real)).min(1));
        distance.index_copy_(0, rows, nearest.to(at::kDouble));
      }
      const at::Tensor known = distance.ge(0).nonzero().flatten();
      notable(out_.far_from_real, distance.index_select(0, known), of_photo.index_select(0, known), f);
    }
  }

  const Bundle& bundle_;
  const Dataset& data_;
  const EvaluationControl& control_;
  Generator generator_, mask_generator_;
  AttributeClassifier classifier_;
  Judges judges_;
  AttributeSchema schema_;
  std::vector<int64_t> flipped_;
  bool edits_ = false;
  std::optional<FaceParser> parser_;
  std::optional<FeatureExtractor> fallback_;
  std::optional<Bootstrap> bootstrap_, distribution_bootstrap_;
  std::vector<Seen> seen_;
  PhotoScores scores_;
  Evaluation out_;
};

}  // namespace

std::string Figure::text() const {
  if (!measured) return "not measured: " + missing;
  if (measured->count == 1) return fmt::format("{:.{}f}", measured->value, digits);
  return fmt::format("{:.{}f} [{:.{}f}, {:.{}f}]", measured->value, digits, measured->low, digits, measured->high, digits);
}

const Figure& Evaluation::figure(std::string_view key) const {
  std::vector<std::string> known;
  for (const Figure& figure : figures) {
    if (figure.key == key) return figure;
    known.push_back(figure.key);
  }
  throw InvalidArgument(fmt::format("figure '{}' is unknown; known: {}", key, fmt::join(known, ", ")));
}

double Evaluation::value(std::string_view key) const {
  const Figure& found = figure(key);
  if (!found.measured) throw Error(fmt::format("{} was not measured: {}", key, found.missing));
  return found.measured->value;
}

Evaluation evaluate(const Bundle& bundle, const Dataset& data, const EvaluationProtocol& protocol, const Judges& judges,
                    const EvaluationControl& control) {
  return Evaluator(bundle, data, protocol, judges, control).run();
}

}  // namespace secgan
