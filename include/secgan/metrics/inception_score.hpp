#pragma once
/// The inception score of a classifier's outputs.

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "secgan/core/export.hpp"
#include "secgan/metrics/mean_deviation.hpp"

namespace secgan {

/// exp of the mean KL divergence of p(class | image) from the mean of p over a split (Salimans et al., arXiv
/// 1606.03498): from 1 (all outputs alike) to K. The splits are `splits` stretches of the rows as they come, of equal
/// size up to one row, as in the paper's code; mean and deviation over them. In float64 and in the log domain.
/// @param logits [N, K] before the softmax, N ≥ splits
/// @throws InvalidArgument for other shapes, fewer rows than splits, or values that are not finite.
SECGAN_API MeanDeviation inception_score(const at::Tensor& logits, int64_t splits = 10);

/// The score of all rows in one split, for many weightings of them at once.
/// @param logits [N, K]   @param weights [R, N] float64, how often each row occurs   @return [R]
SECGAN_API at::Tensor weighted_inception_score(const at::Tensor& logits, const at::Tensor& weights);

}  // namespace secgan
