#pragma once
/// SeCGAN's semantic consistency as a loss term of either branch.

#include <string_view>

#include "secgan/losses/passes.hpp"
#include "secgan/ops/semantic_consistency.hpp"

namespace secgan {

/// -(1/HW) sum target(counterpart) log_probs: the branch's own edit must segment as the other branch's does.
struct SemanticConsistency {
  static constexpr std::string_view kName = "semantic_consistency";
  ConsistencyTarget target = ConsistencyTarget::kHard;

  at::Tensor operator()(const auto& pass) const { return segmentation_cross_entropy(pass.log_probs, pass.counterpart_log_probs, target); }
};

/// The counterpart's term, seen from its target side: it has a gradient there when targets are straight-through.
struct CounterpartConsistency {
  static constexpr std::string_view kName = "counterpart_consistency";
  ConsistencyTarget target = ConsistencyTarget::kStraightThrough;

  at::Tensor operator()(const auto& pass) const { return segmentation_cross_entropy(pass.counterpart_log_probs, pass.log_probs, target); }
};

}  // namespace secgan
