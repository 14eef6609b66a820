#include <torch/library.h>

#include "secgan/core/names.hpp"
#include "secgan/ops/semantic_consistency.hpp"
#include "secgan/ops/soft_cross_entropy.hpp"

// Compositions of ATen ops: autograd to any order, meta and autocast follow from their parts.
TORCH_LIBRARY(secgan, library) {
  library.def("soft_cross_entropy(Tensor logits, Tensor target) -> Tensor", &secgan::soft_cross_entropy);
  library.def(
      "semantic_consistency(Tensor image_log_probs, Tensor mask_log_probs, str target='hard') -> (Tensor, Tensor)",
      [](const at::Tensor& image_log_probs, const at::Tensor& mask_log_probs, std::string_view target) {
        return secgan::semantic_consistency(image_log_probs, mask_log_probs,
                                            secgan::parse_name(secgan::kConsistencyTargets, target, "target"));
      });
}
