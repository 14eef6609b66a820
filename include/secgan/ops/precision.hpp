#pragma once

#include <ATen/ATen.h>

namespace secgan {

/// Reduced precision ends where networks end: outputs and losses are float32, float64 stays.
inline at::Tensor full_precision(const at::Tensor& tensor) { return tensor.to(at::promote_types(tensor.scalar_type(), at::kFloat)); }

}  // namespace secgan
