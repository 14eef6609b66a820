#pragma once
/// What a training batch is asked to become.

#include <ATen/ATen.h>

#include "secgan/core/attributes.hpp"

namespace secgan {

/// Target labels of a batch: its own labels in another order, as every public implementation draws them. They are valid, real photos having
/// them, but rare attributes are seldom asked for, and most edits are of several attributes at once. So some targets may be balanced
/// instead: the photo's labels with one attribute flipped, each attribute equally likely, and what it excludes turned off.
/// @param labels [N, A] in {0, 1}   @param single_edits  in [0, 1]: the probability of a balanced target
/// @param random  a generator of the CPU   @return [N, A]
inline at::Tensor draw_targets(const AttributeSchema& schema, const at::Tensor& labels, double single_edits, const at::Generator& random) {
  const int64_t n = labels.size(0);
  const at::Tensor permuted = labels.index_select(0, at::randperm(n, random, at::kLong));
  if (single_edits == 0) return permuted;
  const at::Tensor single = at::rand({n, 1}, random) < single_edits;
  return at::where(single, schema.flip(labels, at::randint(schema.size(), {n}, random, at::kLong)), permuted);
}

}  // namespace secgan
