#include "secgan/metrics/inception_score.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "metrics/measures.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {

MeanDeviation inception_score(const at::Tensor& logits, int64_t splits) {
  check_shape(logits, "logits", {kAny, kAny}, "[N, K]");
  const int64_t rows = logits.size(0);
  if (splits < 1) throw InvalidArgument(fmt::format("splits must be positive, found {}", splits));
  if (logits.size(1) < 1) throw InvalidArgument("logits must have classes, found [N, 0]");
  if (rows < splits) throw InvalidArgument(fmt::format("logits must have at least one row per split, found {} for {}", rows, splits));
  const at::Tensor checked = finite_float64(logits, "logits");
  std::vector<double> scores;
  for (int64_t i = 0; i < splits; ++i) {
    const at::Tensor log_p = checked.slice(0, i * rows / splits, (i + 1) * rows / splits).log_softmax(1), p = log_p.exp();
    const at::Tensor marginal = p.mean(0);
    // xlogy: a class that nobody names counts 0, not NaN.
    scores.push_back(std::exp(((p * log_p).sum(1).mean() - at::xlogy(marginal, marginal).sum()).item<double>()));
  }
  return mean_deviation(scores);
}

}  // namespace secgan
