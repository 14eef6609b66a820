#pragma once
/// Affine instance norm and leaky ReLU as one map, y = l(weight * x + bias) with x = (z - mean) * rstd, with its derivative and the
/// derivative of that: a gradient penalty takes both.

#include <ATen/ATen.h>

#include <cstdint>

#include "ops/vector_level.hpp"

namespace secgan {

/// The map at a batch of images: what its derivatives need.
struct NormActivation {
  at::Tensor input;   ///< [N, C, H, W] z
  at::Tensor output;  ///< [N, C, H, W] y, whose sign tells the leaky ReLU's side
  at::Tensor mean;    ///< [N, C], float32 or float64
  at::Tensor rstd;    ///< [N, C] 1 / sqrt(variance + epsilon)
  at::Tensor weight;  ///< [C]
  double slope = 0;   ///< of leaky ReLU, at least 0

  /// At some of the images.
  NormActivation rows(int64_t begin, int64_t count) const;
};

/// @param input [N, C, H, W]   @param weight, bias [C], float32 or, with an input of float64, that
NormActivation norm_activation(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias, double epsilon, double slope,
                               VectorLevel level = processor_vectors());

struct NormGradient {
  at::Tensor input;   ///< [N, C, H, W]
  at::Tensor weight;  ///< [N, C]: each image's share
  at::Tensor bias;    ///< [N, C]: each image's share
};

/// J^T gradient.  @param gradient [N, C, H, W] of the output
NormGradient norm_activation_gradient(const at::Tensor& gradient, const NormActivation& at, VectorLevel level = processor_vectors());

/// The derivative of <covector, J^T gradient> by all that it follows from.
struct NormSecondGradient {
  at::Tensor gradient;  ///< [N, C, H, W] J covector
  at::Tensor input;     ///< [N, C, H, W]
  at::Tensor weight;    ///< [N, C]: each image's share
};

/// @param covector [N, C, H, W], of the input's kind   @param gradient [N, C, H, W], of the output's
NormSecondGradient norm_activation_second_gradient(const at::Tensor& covector, const at::Tensor& gradient, const NormActivation& at,
                                                   VectorLevel level = processor_vectors());

}  // namespace secgan
