#pragma once

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "secgan/core/merged_log_softmax.hpp"
#include "secgan/ops/precision.hpp"

namespace secgan {

/// A segmentation as a network outputs it, whose log-probabilities are computed when they are asked for: what consistency terms need of
/// them, they may take from the logits in one pass over memory. Copies share what was computed; for one thread at a time.
class Segmentation {
 public:
  Segmentation() = default;
  /// @param logits  [N, classes, H, W] any real
  /// @param groups  the class of the segmentation that each class of the logits becomes (ClassMerge::table()); empty: its own
  /// @param merged  K, where a class of the segmentation has no group: its probability is 0
  explicit Segmentation(at::Tensor logits, std::vector<int64_t> groups = {}, std::optional<int64_t> merged = {})
      : state_(std::make_shared<State>(State{std::move(logits), std::move(groups), merged, {}})) {}

  at::Tensor logits() const { return detached_ ? state_->logits.detach() : state_->logits; }
  const std::vector<int64_t>& groups() const { return state_->groups; }
  /// K.
  int64_t classes() const {
    if (state_->merged) return *state_->merged;
    return groups().empty() ? state_->logits.size(1) : *std::max_element(groups().begin(), groups().end()) + 1;
  }

  /// @return [N, K, H, W] log-probabilities, of half precision in float32; differentiable
  at::Tensor log_probs() const {
    at::Tensor& known = state_->log_probs;
    const bool lacks_graph = known.defined() && c10::GradMode::is_enabled() && state_->logits.requires_grad() && !known.requires_grad();
    if (!known.defined() || lacks_graph) {
      const at::Tensor full = full_precision(state_->logits);
      known = groups().empty() ? at::log_softmax(full, 1) : merged_log_softmax(full, groups(), classes());
    }
    return detached_ ? known.detach() : known;
  }

  /// The same values without a gradient.
  Segmentation detach() const {
    Segmentation out = *this;
    out.detached_ = true;
    return out;
  }

 private:
  struct State {
    at::Tensor logits;
    std::vector<int64_t> groups;
    std::optional<int64_t> merged;
    at::Tensor log_probs;  ///< undefined: not computed yet
  };
  std::shared_ptr<State> state_;
  bool detached_ = false;
};

}  // namespace secgan
