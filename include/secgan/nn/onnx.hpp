#pragma once
/// Networks as ONNX models, for programs without LibTorch.

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <string>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/nn/engine.hpp"

namespace secgan {

/// An input of a model: float32, its batch open.
struct OnnxInput {
  std::string name;
  at::Tensor example;     ///< a batch of at least 2, as compile_network takes it
  bool any_size = false;  ///< height and width are open too: for convolutions and what looks at each pixel alone
};

/// What an ONNX model is called and says of itself.
struct OnnxNames {
  std::vector<OnnxInput> inputs;
  std::string output;
  std::vector<std::pair<std::string, std::string>> metadata = {};
};

/// What `function`, which computes with the tensors of `module`, does with inputs like the examples, as an ONNX model: operators of version
/// 18, one output, float32. Weights that float16 holds without a loss are stored as such, so a bundle of float16 costs two bytes a weight.
/// The module must be in evaluation mode.
/// @return the bytes of a .onnx file   @throws InvalidArgument for what ONNX here lacks, by the operation's name; Error for more than 2 GB.
SECGAN_API std::string encode_onnx(torch::nn::Module& module, const TensorsFunction& function, const OnnxNames& names);

}  // namespace secgan
