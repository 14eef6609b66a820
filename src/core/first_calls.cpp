#include "core/first_calls.hpp"

#include <torch/torch.h>

namespace secgan {
namespace {

/// MKL picks the code of each function at its first call. Where two threads share that call, MKL before 2025.0 may run the share of
/// one of them with a few digits only, once in a while: pytorch/pytorch#188792.
bool settle_first_calls() noexcept {
  try {
    const c10::InferenceMode mode;
    for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
      const at::Tensor x = torch::full({1}, 0.5, type);
      for (const auto function : {at::acos, at::asin, at::atan, at::cos, at::cosh, at::erf, at::erfc, at::exp, at::expm1, at::log,
                                  at::log10, at::log1p, at::log2, at::sin, at::sinh, at::sqrt, at::tan, at::tanh, at::trunc})
        function(x);
    }
    return true;
  } catch (...) {
    return false;  // before main there is nobody to tell; whoever calls the function next is told
  }
}

const bool settled = settle_first_calls();

}  // namespace

bool first_calls_settled() noexcept { return settled; }

}  // namespace secgan
