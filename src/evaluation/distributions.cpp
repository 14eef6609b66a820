#include "evaluation/distributions.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "secgan/core/random.hpp"
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

/// Mean and covariance of rows with weights, as of a sample in which row i occurs weights[i] times.
std::pair<at::Tensor, at::Tensor> weighted_moments(const at::Tensor& rows, const at::Tensor& weights) {
  constexpr int64_t kChunk = 8192;
  const double total = weights.sum().item<double>();
  at::Tensor sum = at::zeros({rows.size(1)}, at::kDouble), outer = at::zeros({rows.size(1), rows.size(1)}, at::kDouble);
  for (int64_t begin = 0; begin < rows.size(0); begin += kChunk) {
    const int64_t length = std::min(kChunk, rows.size(0) - begin);
    const at::Tensor part = rows.narrow(0, begin, length).to(at::kDouble);
    const at::Tensor weighted = part * weights.narrow(0, begin, length).unsqueeze(1);
    sum += weighted.sum(0);
    outer += at::matmul(weighted.t(), part);
  }
  const at::Tensor mean = sum / total;
  return {mean, (outer - total * at::outer(mean, mean)) / (total - 1)};
}

}  // namespace

Interval frechet_interval(const Seen& view, const Bootstrap& bootstrap) {
  const at::Tensor photos = view.photos.all(), edits = view.edits.all(), origin = view.edit_photo.all();
  const auto distance = [&](const at::Tensor& weights) {
    const auto [mean_a, covariance_a] = weighted_moments(photos, weights);
    const auto [mean_b, covariance_b] = weighted_moments(edits, weights.index_select(0, origin));
    return frechet_distance(mean_a, covariance_a, mean_b, covariance_b);
  };
  const double value = distance(at::ones({photos.size(0)}, at::kDouble));
  std::vector<double> resampled;
  for (int64_t r = 0; r < bootstrap.weights().size(0); ++r) resampled.push_back(distance(bootstrap.weights()[r]));
  return recentered(bootstrap, value, at::tensor(resampled, at::kDouble), photos.size(0));
}

Interval kernel_interval(const Seen& view, const Bootstrap& bootstrap, const EvaluationProtocol& protocol) {
  const at::Tensor photos = view.photos.all(), edits = view.edits.all(), origin = view.edit_photo.all();
  const uint64_t seed = mix_seed(protocol.seed, 3);
  const double value =
      kernel_distance(photos, edits, {.subsets = protocol.kernel_subsets, .subset_size = protocol.kernel_subset_size, .seed = seed}).mean;
  constexpr int64_t kMost = 2000;
  const auto some = [&](int64_t size, uint64_t purpose) {
    return at::randperm(size, seeded_generator(mix_seed(seed, purpose)), at::kLong).narrow(0, 0, std::min(size, kMost));
  };
  const at::Tensor real_rows = some(photos.size(0), 1), edit_rows = some(edits.size(0), 2);
  const at::Tensor x = photos.index_select(0, real_rows).to(at::kDouble), y = edits.index_select(0, edit_rows).to(at::kDouble);
  const auto kernel = [](const at::Tensor& a, const at::Tensor& b) { return (at::matmul(a, b.t()) / a.size(1) + 1).pow(3); };
  const at::Tensor xx = kernel(x, x), yy = kernel(y, y), xy = kernel(x, y);
  std::vector<double> resampled;
  for (int64_t r = 0; r < bootstrap.weights().size(0); ++r) {
    const at::Tensor weights = bootstrap.weights()[r];
    const at::Tensor u = weights.index_select(0, real_rows), v = weights.index_select(0, origin.index_select(0, edit_rows));
    // Unbiased: a photo is never paired with itself.
    const auto pairs = [](const at::Tensor& w, const at::Tensor& k) {
      const double all = at::dot(w, at::mv(k, w)).item<double>(), self = at::dot(w * w, k.diagonal()).item<double>();
      const double total = w.sum().item<double>();
      return (all - self) / (total * total - at::dot(w, w).item<double>());
    };
    const double cross = at::dot(u, at::mv(xy, v)).item<double>() / (u.sum().item<double>() * v.sum().item<double>());
    resampled.push_back(pairs(u, xx) + pairs(v, yy) - 2 * cross);
  }
  return recentered(bootstrap, value, at::tensor(resampled, at::kDouble), photos.size(0));
}

Interval score_interval(const Seen& view, const Bootstrap& bootstrap, const EvaluationProtocol& protocol) {
  const at::Tensor logits = view.edit_logits.all().to(at::kDouble), origin = view.edit_photo.all();
  const double value = inception_score(logits, protocol.score_splits).mean;
  // exp of (entropy of the mean answer - mean entropy of the answers), for every resample at once.
  const at::Tensor logs = at::log_softmax(logits, 1), probabilities = logs.exp();
  const at::Tensor entropy = -(probabilities * logs).sum(1);
  const at::Tensor weights = bootstrap.weights().index_select(1, origin);
  const at::Tensor total = weights.sum(1, /*keepdim=*/true);
  const at::Tensor marginal = at::matmul(weights, probabilities) / total;
  const at::Tensor resampled = (-(at::xlogy(marginal, marginal)).sum(1) - at::mv(weights, entropy) / total.squeeze(1)).exp();
  return recentered(bootstrap, value, resampled, view.photos.all().size(0));
}

}  // namespace secgan
