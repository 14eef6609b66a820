#pragma once

#include <ATen/ATen.h>

namespace secgan {

/// float16 and bfloat16 as float32, in which losses are summed and returned; other types as they are.
inline at::Tensor summable(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kHalf || tensor.scalar_type() == at::kBFloat16 ? tensor.to(at::kFloat) : tensor;
}

}  // namespace secgan
