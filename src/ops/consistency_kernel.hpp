#pragma once
/// The hard consistency terms on the CPU, from logits: each pixel's logits are read once per pass, nothing of their size is written but
/// gradients.

#include <ATen/ATen.h>

#include <array>
#include <cstdint>
#include <vector>

#include "ops/vector_level.hpp"

namespace secgan {

/// Contiguous logits [N, classes, H, W] of float32 or float64, and the merged class of each class; every merged class has one at least.
struct MergedLogits {
  at::Tensor logits;
  std::vector<int64_t> groups;
};

/// Most classes that the kernel takes: a vector of each lies on the stack.
inline constexpr int64_t kMostClasses = 64;

struct HardTerms {
  std::array<double, 2> sums{};      ///< over pixels: log-probability of the other side's label
  std::array<at::Tensor, 2> labels;  ///< [N, H, W] uint8: arg-max of each side's merged classes
};

/// Of two sides that agree in N, H, W, type and merged classes.
/// @param wanted  which of the two sums is computed; a label is computed where the other side's sum is
HardTerms hard_consistency_terms(const MergedLogits& first, const MergedLogits& second, std::array<bool, 2> wanted,
                                 VectorLevel level = processor_vectors());

/// scale * gradient of the sum over pixels of the labels' log-probabilities.
/// @param labels [N, H, W] uint8, contiguous   @return [N, classes, H, W]
at::Tensor hard_consistency_gradient(const MergedLogits& side, const at::Tensor& labels, double scale,
                                     VectorLevel level = processor_vectors());

}  // namespace secgan
