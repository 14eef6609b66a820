#include <ATen/ATen.h>
#include <c10/core/impl/TorchDispatchModeTLS.h>
#include <torch/library.h>

#include "core/dtype.hpp"
#include "secgan/core/names.hpp"
#include "secgan/ops/semantic_consistency.hpp"
#include "secgan/ops/soft_cross_entropy.hpp"

namespace {

/// Python shows what leaves an op as a RuntimeError, unless it is one of torch's own kinds.
template <class F>
auto as_value_error(F&& f) {
  try {
    return f();
  } catch (const secgan::InvalidArgument& error) {
    TORCH_CHECK_VALUE(false, error.what());
  }
}

/// Whether values can be looked at: real numbers on the CPU, not a stand-in of torch.compile, torch.export or functorch,
/// and not an input under differentiation, which gradient checks move.
bool values_are_known(const at::Tensor& tensor) {
  using c10::DispatchKey;
  return tensor.is_cpu() && !tensor.requires_grad() && !c10::impl::TorchDispatchModeTLS::any_modes_set() &&
         !tensor.key_set().has_any(c10::DispatchKeySet({DispatchKey::Python, DispatchKey::Functionalize, DispatchKey::FuncTorchGradWrapper,
                                                        DispatchKey::FuncTorchBatched, DispatchKey::BatchedNestedTensor}));
}

/// Both floating and on one device, before a kernel fails without a name.
void check_pair(const at::Tensor& a, const char* a_name, const at::Tensor& b, const char* b_name) {
  for (const auto& [tensor, name] : {std::pair(a, a_name), std::pair(b, b_name)}) {
    if (!tensor.is_floating_point()) {
      throw secgan::InvalidArgument(std::string(name) + " must be floating point, found " + secgan::dtype_name(tensor));
    }
  }
  if (a.device() != b.device()) {
    throw secgan::InvalidArgument(std::string(b_name) + " must be on the device of " + a_name + ", " + a.device().str() + ", found " +
                                  b.device().str());
  }
}

void check_log_probabilities(const at::Tensor& log_probs, const char* name) {
  if (!values_are_known(log_probs) || log_probs.dim() < 2 || log_probs.numel() == 0) return;
  const auto found = secgan::full_precision(log_probs.detach()).logsumexp(1).abs().max().item<double>();
  if (found < 0.05) return;
  throw secgan::InvalidArgument(std::string(name) +
                                " must hold log-probabilities over the classes (dimension 1), found a log of their sum of " +
                                std::to_string(found));
}

void check_probabilities(const at::Tensor& target) {
  if (!values_are_known(target) || target.dim() < 2 || target.numel() == 0) return;
  const at::Tensor off = (secgan::full_precision(target.detach()).sum(1) - 1).abs().max();
  const auto found = off.item<double>();
  // bfloat16 rounds each class to 8 bits.
  if (!(found < 0.05)) {
    throw secgan::InvalidArgument(
        "target must hold probabilities that sum to 1 over the classes (dimension 1), found a sum that is off by " + std::to_string(found));
  }
  const auto lowest = target.min().item<double>();
  if (lowest < -1e-3) throw secgan::InvalidArgument("target must hold probabilities, found " + std::to_string(lowest));
}

}  // namespace

// Compositions of ATen ops: autograd to any order, meta and autocast follow from their parts.
TORCH_LIBRARY(secgan, library) {
  library.def("soft_cross_entropy(Tensor logits, Tensor target) -> Tensor", [](const at::Tensor& logits, const at::Tensor& target) {
    return as_value_error([&] {
      check_pair(logits, "logits", target, "target");
      at::Tensor loss = secgan::soft_cross_entropy(logits, target);  // shapes first
      check_probabilities(target);
      return loss;
    });
  });
  library.def("semantic_consistency(Tensor image_log_probs, Tensor mask_log_probs, str target='hard') -> (Tensor, Tensor)",
              [](const at::Tensor& image_log_probs, const at::Tensor& mask_log_probs, std::string_view target) {
                return as_value_error([&] {
                  check_pair(image_log_probs, "image_log_probs", mask_log_probs, "mask_log_probs");
                  auto terms = secgan::semantic_consistency(image_log_probs, mask_log_probs,
                                                            secgan::parse_name(secgan::kConsistencyTargets, target, "target"));
                  check_log_probabilities(image_log_probs, "image_log_probs");
                  check_log_probabilities(mask_log_probs, "mask_log_probs");
                  return terms;
                });
              });
}
