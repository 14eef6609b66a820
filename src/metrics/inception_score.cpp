#include "secgan/metrics/inception_score.hpp"

#include <ATen/ATen.h>

#include <vector>

#include "metrics/measures.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {

at::Tensor weighted_inception_score(const at::Tensor& logits, const at::Tensor& weights) {
  check_shape(logits, "logits", {kAny, kAny}, "[N, K]");
  check_shape(weights, "weights", {kAny, logits.size(0)}, "[R, N]");
  // exp of (entropy of the mean output - mean entropy of the outputs).
  const at::Tensor log_p = logits.to(at::kDouble).log_softmax(1), p = log_p.exp();
  const at::Tensor entropy = -(p * log_p).sum(1), total = weights.sum(1, /*keepdim=*/true);
  const at::Tensor marginal = weights.mm(p) / total;
  // xlogy: a class that nobody names counts 0, not NaN.
  return (-at::xlogy(marginal, marginal).sum(1) - weights.mv(entropy) / total.squeeze(1)).exp();
}

MeanDeviation inception_score(const at::Tensor& logits, int64_t splits) {
  check_shape(logits, "logits", {kAny, kAny}, "[N, K]");
  const int64_t rows = logits.size(0);
  if (splits < 1) throw InvalidArgument(fmt::format("splits must be positive, found {}", splits));
  if (logits.size(1) < 1) throw InvalidArgument("logits must have classes, found [N, 0]");
  if (rows < splits) throw InvalidArgument(fmt::format("logits must have at least one row per split, found {} for {}", rows, splits));
  const at::Tensor checked = finite_float64(logits, "logits");
  std::vector<double> scores;
  for (int64_t i = 0; i < splits; ++i) {
    const at::Tensor part = checked.slice(0, i * rows / splits, (i + 1) * rows / splits);
    scores.push_back(weighted_inception_score(part, at::ones({1, part.size(0)}, at::kDouble)).item<double>());
  }
  return mean_deviation(scores);
}

}  // namespace secgan
