#pragma once
/// How far a metric would move had other photos been measured.

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "secgan/core/export.hpp"

namespace secgan {

/// A metric with the interval in which it lies.
struct Interval {
  double value = 0;
  double low = 0, high = 0;  ///< NaN where no resample has the metric
  int64_t count = 0;         ///< photos that it was computed from
  /// [R] float64, the metric of every resample: where two evaluations share photos and seed they share resamples, and the spread of these
  /// differences is that of the metrics' difference. Undefined where nothing was resampled.
  at::Tensor resampled = {};
};

/// Resamples of a set of photos with replacement, drawn once, so that metrics of one evaluation share them: percentile
/// intervals (Efron 1979) of any metric made of sums over photos. What comes of one photo stays together: edits of
/// the same photo are not independent. The same seed gives the same resamples.
///
/// A percentile interval knows the photos' spread only: not another training run's, nor another seed's.
class SECGAN_API Bootstrap {
 public:
  /// @param level  share of resamples inside the interval
  /// @throws InvalidArgument unless photos and resamples are positive and level lies inside (0, 1).
  Bootstrap(int64_t photos, int64_t resamples, uint64_t seed, double level = 0.95);

  /// [R, N] float64: how often each photo is in a resample; each row sums to N.
  const at::Tensor& weights() const { return weights_; }

  /// @param value  the metric of all photos   @param resampled [R], that of every resample; NaN where it has none
  Interval interval(double value, const at::Tensor& resampled, int64_t count) const;
  /// Mean over photos.  @param values [N], finite
  Interval mean(const at::Tensor& values) const;
  /// Σ numerators / Σ denominators.  @param numerators, denominators [N], finite; both 0 for a photo that has no say
  Interval ratio(const at::Tensor& numerators, const at::Tensor& denominators) const;
  /// Mean over attributes of Σ numerators / Σ denominators. Attributes without denominator are left out, in a
  /// resample too.  @param numerators, denominators [N, A], finite
  Interval mean_ratio(const at::Tensor& numerators, const at::Tensor& denominators) const;
  // All @throws InvalidArgument for another shape or values that are not finite.

 private:
  at::Tensor weights_;
  double level_;
};

}  // namespace secgan
