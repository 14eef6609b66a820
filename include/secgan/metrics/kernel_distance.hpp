#pragma once
/// The kernel distance between sets of features (KID with Inception features).

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "secgan/metrics/mean_deviation.hpp"

namespace secgan {

/// Unbiased estimate of the squared maximum mean discrepancy under the kernel k(x, y) = (x·y / D + 1)³:
/// mean of k over pairs i ≠ j of a, plus the same of b, minus twice the mean of k over pairs of a and b
/// (Bińkowski et al., arXiv 1801.01401). Falls below 0 when the distributions are equal.
/// @param a [N, D]   @param b [M, D], floating; computed in float64
/// @throws InvalidArgument for other shapes, fewer than 2 rows, or values that are not finite.
double squared_mmd(const at::Tensor& a, const at::Tensor& b);

struct KernelDistanceOptions {
  int64_t subsets = 100;       ///< how many estimates are averaged
  int64_t subset_size = 1000;  ///< rows drawn from each set for one estimate, without replacement; at least 2
  uint64_t seed = 0;           ///< of the draws
  void validate() const;
};

/// squared_mmd over random subsets: mean and deviation. The estimate is unbiased for every size; size and number set the
/// deviation, so figures are compared for equal options only.
/// @throws InvalidArgument as squared_mmd, and for sets smaller than a subset.
MeanDeviation kernel_distance(const at::Tensor& a, const at::Tensor& b, const KernelDistanceOptions& options = {});

}  // namespace secgan
