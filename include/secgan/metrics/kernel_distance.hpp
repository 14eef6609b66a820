#pragma once
/// The kernel distance between sets of features (KID with Inception features).

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <tuple>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/metrics/mean_deviation.hpp"

namespace secgan {

/// Unbiased estimate of the squared maximum mean discrepancy under the kernel k(x, y) = (x·y / D + 1)³:
/// mean of k over pairs i ≠ j of a, plus the same of b, minus twice the mean of k over pairs of a and b
/// (Bińkowski et al., arXiv 1801.01401). Falls below 0 when the distributions are equal.
/// @param a [N, D]   @param b [M, D], floating; computed in float64
/// @throws InvalidArgument for other shapes, fewer than 2 rows, or values that are not finite.
SECGAN_API double squared_mmd(const at::Tensor& a, const at::Tensor& b);

/// The same estimate of two fixed sets under many weightings of their rows: the kernel is computed once.
class SECGAN_API WeightedKernel {
 public:
  /// @param a [N, D], b [M, D] float64
  WeightedKernel(const at::Tensor& a, const at::Tensor& b);
  /// As of samples in which row i of a occurs a_weights[i] times, and likewise of b; no row is paired with itself.
  double squared_mmd(const at::Tensor& a_weights, const at::Tensor& b_weights) const;

 private:
  at::Tensor within_a_, within_b_, between_;
};

struct KernelDistanceOptions {
  int64_t subsets = 100;
  int64_t subset_size = 1000;
  uint64_t seed = 0;

  static constexpr auto fields() {
    using O = KernelDistanceOptions;
    return std::tuple{
        field<&O::subsets>("how many estimates are averaged", rule::kPositive),
        field<&O::subset_size>("rows drawn from each set for one estimate, without replacement", rule::at_least(2)),
        field<&O::seed>("of the draws"),
    };
  }
};

/// squared_mmd over random subsets: mean and deviation. The estimate is unbiased for every size; size and number set the
/// deviation, so metrics are compared for equal options only.
/// @throws InvalidArgument as squared_mmd, and for sets smaller than a subset.
SECGAN_API MeanDeviation kernel_distance(const at::Tensor& a, const at::Tensor& b, const KernelDistanceOptions& options = {});

}  // namespace secgan
