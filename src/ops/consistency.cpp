#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/TorchDispatchModeTLS.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>

#include "ops/consistency_kernel.hpp"
#include "secgan/ops/semantic_consistency.hpp"

namespace secgan {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Numbers in this process's memory and nothing else: no stand-in of torch.compile, torch.export, functorch or a Python subclass.
bool is_plain(const at::Tensor& tensor) {
  using c10::DispatchKey;
  return tensor.defined() && tensor.is_cpu() && tensor.layout() == at::kStrided && !c10::impl::TorchDispatchModeTLS::any_modes_set() &&
         !tensor.key_set().has_any(c10::DispatchKeySet({DispatchKey::Python, DispatchKey::Functionalize, DispatchKey::FuncTorchGradWrapper,
                                                        DispatchKey::FuncTorchBatched, DispatchKey::BatchedNestedTensor,
                                                        DispatchKey::Conjugate, DispatchKey::Negative, DispatchKey::ZeroTensor})) &&
         !tensor._fw_grad(/*level=*/0).defined();
}

std::vector<int64_t> groups_of(const Segmentation& segmentation) {
  if (!segmentation.groups().empty()) return segmentation.groups();
  std::vector<int64_t> own(segmentation.logits().size(1));
  for (size_t c = 0; c < own.size(); ++c) own[c] = static_cast<int64_t>(c);
  return own;
}

/// Whether each of the merged classes has a member.
bool complete(const std::vector<int64_t>& groups, int64_t count) {
  for (int64_t j = 0; j < count; ++j) {
    if (std::ranges::find(groups, j) == groups.end()) return false;
  }
  return true;
}

bool takes(const Segmentation& segmentation) {
  const at::Tensor logits = segmentation.logits();
  return is_plain(logits) && logits.is_floating_point() && logits.numel() > 0 && logits.size(1) <= kMostClasses &&
         complete(groups_of(segmentation), segmentation.classes());
}

/// The mean of -log P(label), whose value is known. Differentiable to any order: the gradient's own gradient goes through ATen's ops.
class HardTerm : public torch::autograd::Function<HardTerm> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& logits, const at::Tensor& labels,
                            const std::vector<int64_t>& groups, double value) {
    context->save_for_backward({logits, labels});
    context->saved_data["groups"] = groups;
    return at::scalar_tensor(value, logits.options());
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &logits = saved[0], &labels = saved[1], &above = gradients[0];
    const std::vector<int64_t> groups = context->saved_data["groups"].toIntVector();
    const auto pixels = static_cast<double>(labels.numel());
    variable_list out(4);
    if (is_plain(above) && !(c10::GradMode::is_enabled() && (above.requires_grad() || logits.requires_grad()))) {
      out[0] = hard_consistency_gradient({logits.contiguous(), groups}, labels, -above.item<double>() / pixels);
    } else {
      const at::Tensor member = at::tensor(groups, at::kLong).view({1, -1, 1, 1}).eq(labels.unsqueeze(1));
      const at::Tensor own = logits.masked_fill(member.logical_not(), -std::numeric_limits<double>::infinity()).softmax(1);
      out[0] = (logits.softmax(1) - own) * (above / pixels);
    }
    return out;
  }
};

std::optional<std::array<at::Tensor, 2>> hard_terms(const Segmentation& image, const Segmentation& mask, std::array<bool, 2> wanted) {
  if (!takes(image) || !takes(mask)) return std::nullopt;
  const std::array<at::Tensor, 2> logits{full_precision(image.logits()), full_precision(mask.logits())};
  if (logits[0].scalar_type() != logits[1].scalar_type()) return std::nullopt;
  const std::array<std::vector<int64_t>, 2> groups{groups_of(image), groups_of(mask)};
  const HardTerms found =
      hard_consistency_terms({logits[0].detach().contiguous(), groups[0]}, {logits[1].detach().contiguous(), groups[1]}, wanted);
  std::array<at::Tensor, 2> terms;
  for (size_t s = 0; s < 2; ++s) {
    if (!wanted[s]) continue;
    const at::Tensor& labels = found.labels[1 - s];
    terms[s] = HardTerm::apply(logits[s], labels, groups[s], -found.sums[s] / static_cast<double>(labels.numel()));
  }
  return terms;
}

[[maybe_unused]] const bool kOffered = [] {
  detail::hard_consistency().store(&hard_terms);
  return true;
}();

}  // namespace
}  // namespace secgan
