#pragma once
/// What a network computes, as a graph of LibTorch's ops: from it engines build their programs.

#include <torch/csrc/jit/ir/ir.h>
#include <torch/nn/module.h>

#include <memory>
#include <vector>

#include "secgan/nn/engine.hpp"

namespace secgan {

/// Whether the recording puts batch norms into the convolutions before them, where those have no other reader.
enum class BatchNorms { kFold, kKeep };

/// One block without control flow; weights and all that follows from them alone are constants. Shapes hold for a batch of the examples'
/// size.
std::shared_ptr<torch::jit::Graph> record(torch::nn::Module& module, const TensorsFunction& function,
                                          const std::vector<at::Tensor>& examples, BatchNorms norms = BatchNorms::kFold);

/// Whether some of its convolutions are packed as products (nn/map_product.hpp) in float32.
bool has_map_products(const torch::jit::Graph& graph);

/// The same graph with the convolutions' weights packed for oneDNN, and the activations that follow them inside.
TensorsFunction pack(const std::shared_ptr<torch::jit::Graph>& graph, Precision precision);

}  // namespace secgan
