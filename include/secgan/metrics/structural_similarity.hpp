#pragma once

#include <ATen/core/Tensor.h>

#include "secgan/core/export.hpp"

namespace secgan {

/// Structural similarity of each pair of images (Wang et al. 2004): Gaussian windows of 11 × 11, σ 1.5, K1 0.01, K2
/// 0.03, range 2, mean over channels and over the windows that lie inside the image. As scikit-image computes it with
/// gaussian_weights=True, use_sample_covariance=False, data_range=2. In float64; differentiable.
/// @param a, b [N, C, H, W] floating, in [-1, 1], H and W at least 11   @return [N] in [-1, 1]; 1 where the images are equal
/// @throws InvalidArgument naming the argument for another shape, type or range.
SECGAN_API at::Tensor structural_similarity(const at::Tensor& a, const at::Tensor& b);

}  // namespace secgan
