#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

namespace secgan {

/// Tensors by name, in a fixed order.
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// A tensor that a file has and that is not read, and why: "storage type 'torch.QInt8Storage' is not supported".
struct UnreadTensor {
  std::string name;
  std::string why;
};

}  // namespace secgan
