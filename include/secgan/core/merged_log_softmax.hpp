#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <limits>
#include <vector>

namespace secgan {

/// log_softmax over the classes, then the log of each group's summed probabilities, computed without leaving the log domain; differentiable
/// to any order.
/// @param logits [N, classes, ...]   @param groups  the group of each class   @param count  of groups; one without members has probability
/// 0
/// @return [N, count, ...]
inline at::Tensor merged_log_softmax(const at::Tensor& logits, const std::vector<int64_t>& groups, int64_t count) {
  // Split once: the gradient of all parts is then one tensor, and a class that stands alone costs nothing.
  const std::vector<at::Tensor> classes = at::log_softmax(logits, 1).split(1, 1);
  std::vector<at::Tensor> merged;
  for (int64_t j = 0; j < count; ++j) {
    std::vector<at::Tensor> members;
    for (size_t i = 0; i < groups.size(); ++i) {
      if (groups[i] == j) members.push_back(classes[i]);
    }
    if (members.empty()) members.push_back(at::full_like(classes.front().detach(), -std::numeric_limits<double>::infinity()));
    merged.push_back(members.size() == 1 ? members.front() : at::cat(members, 1).logsumexp(1, /*keepdim=*/true));
  }
  return at::cat(merged, 1);
}

}  // namespace secgan
