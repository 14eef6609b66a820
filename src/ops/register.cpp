#include <torch/library.h>

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

}  // namespace

// Compositions of ATen ops: autograd to any order, meta and autocast follow from their parts.
TORCH_LIBRARY(secgan, library) {
  library.def("soft_cross_entropy(Tensor logits, Tensor target) -> Tensor", [](const at::Tensor& logits, const at::Tensor& target) {
    return as_value_error([&] { return secgan::soft_cross_entropy(logits, target); });
  });
  library.def(
      "semantic_consistency(Tensor image_log_probs, Tensor mask_log_probs, str target='hard') -> (Tensor, Tensor)",
      [](const at::Tensor& image_log_probs, const at::Tensor& mask_log_probs, std::string_view target) {
        return as_value_error([&] {
          return secgan::semantic_consistency(image_log_probs, mask_log_probs,
                                              secgan::parse_name(secgan::kConsistencyTargets, target, "target"));
        });
      });
}
