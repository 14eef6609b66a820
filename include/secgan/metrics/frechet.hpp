#pragma once
/// The Fréchet distance between Gaussians: FID with Inception features, ssFID with SwAV's.

#include <ATen/core/Tensor.h>

#include "secgan/core/export.hpp"
#include "secgan/metrics/feature_statistics.hpp"

namespace secgan {

/// |m1 - m2|² + tr S1 + tr S2 - 2 tr √(S1 S2)   (Dowson and Landau 1982; FID: Heusel et al., arXiv 1706.08500).
///
/// With S1 = F1 F1ᵀ and S2 = F2 F2ᵀ the last trace is the sum of the singular values of F1ᵀ F2, so that no root of a
/// non-symmetric matrix is taken and nothing complex appears. F is Cholesky's factor, or eigenvectors times √λ where a
/// covariance is singular (fewer samples than dimensions); pytorch-fid's eps on the diagonal is not needed. The
/// result is exact to about 1e-10 of the traces, and never negative: what rounding leaves below 0 is 0.
///
/// @param mean1, mean2 [D]   @param covariance1, covariance2 [D, D], symmetric, positive semi-definite; floating
/// @throws InvalidArgument naming the argument: other shapes, values that are not finite, asymmetry beyond 1e-6 of the
///         largest entry, an eigenvalue below -1e-4 of the largest.
SECGAN_API double frechet_distance(const at::Tensor& mean1, const at::Tensor& covariance1, const at::Tensor& mean2,
                                   const at::Tensor& covariance2);

SECGAN_API double frechet_distance(const GaussianMoments& a, const GaussianMoments& b);

}  // namespace secgan
