#include "evaluation/distributions.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "secgan/core/random.hpp"
#include "secgan/metrics/feature_statistics.hpp"
#include "secgan/metrics/frechet.hpp"
#include "secgan/metrics/inception_score.hpp"
#include "secgan/metrics/kernel_distance.hpp"

namespace secgan {
namespace {

/// An interval around a value from resamples of a measure that resampling shifts (duplicates look like less variety):
/// the resamples' spread about their own mean.
Interval recentered(const Bootstrap& bootstrap, double value, const at::Tensor& resampled, int64_t count) {
  return bootstrap.interval(value, resampled - resampled.mean() + value, count);
}

}  // namespace

Interval frechet_interval(const ExtractedFeatures& seen, const Bootstrap& bootstrap) {
  const at::Tensor photos = seen.photos.all(), edits = seen.edits.all(), origin = seen.edit_photo.all();
  const auto distance = [&](const at::Tensor& weights) {
    return frechet_distance(weighted_moments(photos, weights), weighted_moments(edits, weights.index_select(0, origin)));
  };
  const double value = distance(at::ones({photos.size(0)}, at::kDouble));
  std::vector<double> resampled;
  for (int64_t r = 0; r < bootstrap.weights().size(0); ++r) resampled.push_back(distance(bootstrap.weights()[r]));
  return recentered(bootstrap, value, at::tensor(resampled, at::kDouble), photos.size(0));
}

Interval kernel_interval(const ExtractedFeatures& seen, const Bootstrap& bootstrap, const EvaluationProtocol& protocol) {
  const at::Tensor photos = seen.photos.all(), edits = seen.edits.all(), origin = seen.edit_photo.all();
  const uint64_t seed = mix_seed(protocol.seed, RandomPurpose::kKernelSubsets);
  const double value =
      kernel_distance(photos, edits, {.subsets = protocol.kernel_subsets, .subset_size = protocol.kernel_subset_size, .seed = seed}).mean;
  constexpr int64_t kMost = 2000;
  const auto some = [&](int64_t size, uint64_t purpose) {
    return at::randperm(size, seeded_generator(mix_seed(seed, purpose)), at::kLong).narrow(0, 0, std::min(size, kMost));
  };
  const at::Tensor real_rows = some(photos.size(0), 1), edit_rows = some(edits.size(0), 2);
  const at::Tensor photo_of_edit = origin.index_select(0, edit_rows);
  const WeightedKernel kernel(photos.index_select(0, real_rows).to(at::kDouble), edits.index_select(0, edit_rows).to(at::kDouble));
  std::vector<double> resampled;
  for (int64_t r = 0; r < bootstrap.weights().size(0); ++r) {
    const at::Tensor weights = bootstrap.weights()[r];
    resampled.push_back(kernel.squared_mmd(weights.index_select(0, real_rows), weights.index_select(0, photo_of_edit)));
  }
  return recentered(bootstrap, value, at::tensor(resampled, at::kDouble), photos.size(0));
}

Interval score_interval(const ExtractedFeatures& seen, const Bootstrap& bootstrap, const EvaluationProtocol& protocol) {
  const at::Tensor logits = seen.edit_logits.all().to(at::kDouble), origin = seen.edit_photo.all();
  const double value = inception_score(logits, protocol.score_splits).mean;
  const at::Tensor resampled = weighted_inception_score(logits, bootstrap.weights().index_select(1, origin));
  return recentered(bootstrap, value, resampled, seen.photos.all().size(0));
}

Interval confusion_interval(const Bootstrap& bootstrap, const at::Tensor& counts, at::Tensor (*measure)(const at::Tensor&)) {
  const at::Tensor value = measure(counts.sum(0));
  const at::Tensor resampled = at::matmul(bootstrap.weights(), counts.flatten(1)).view({-1, counts.size(1), counts.size(2)});
  return bootstrap.interval(value.item<double>(), measure(resampled), counts.size(0));
}

}  // namespace secgan
