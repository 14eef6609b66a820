#include "nn/recorded.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include <optional>

namespace secgan {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

std::optional<at::Tensor> constant_tensor(const Value* value) {
  const auto constant = torch::jit::toIValue(value);
  if (!constant) return std::nullopt;
  return constant->isTensor() ? constant->toTensor() : at::Tensor();
}

/// y = gamma (conv(x) - mean) / sqrt(variance + epsilon) + beta, as a convolution with other weights.
void fold_batch_norm(Graph& graph, Node& norm) {
  Node& conv = *norm.input(0)->node();
  if (conv.kind() != at::aten::_convolution || conv.output()->uses().size() != 1) return;
  if (torch::jit::toIValue(norm.input(5))->toBool()) return;  // statistics of the batch
  const auto weight = constant_tensor(conv.input(1)), bias = constant_tensor(conv.input(2));
  const auto gamma = constant_tensor(norm.input(1)), beta = constant_tensor(norm.input(2)), mean = constant_tensor(norm.input(3)),
             variance = constant_tensor(norm.input(4));
  const bool transposed = torch::jit::toIValue(conv.input(6))->toBool();
  if (!weight || !bias || !gamma || !beta || !mean || !variance || torch::jit::toIValue(conv.input(8))->toInt() != 1) return;
  const double epsilon = torch::jit::toIValue(norm.input(7))->toDouble();
  // In float64: rounding happens once.
  at::Tensor scale = (variance->to(at::kDouble) + epsilon).rsqrt();
  if (gamma->defined()) scale = scale * *gamma;
  at::Tensor shift = (bias->defined() ? bias->to(at::kDouble) - *mean : -mean->to(at::kDouble)) * scale;
  if (beta->defined()) shift = shift + *beta;
  const at::Tensor along = transposed ? scale.view({1, -1, 1, 1}) : scale.view({-1, 1, 1, 1});
  const torch::jit::WithInsertPoint here(&conv);
  conv.replaceInput(1, graph.insertConstant(weight->to(at::kDouble).mul(along).to(weight->scalar_type())));
  conv.replaceInput(2, graph.insertConstant(shift.to(weight->scalar_type())));
  norm.output()->replaceAllUsesWith(conv.output());
}

}  // namespace

std::shared_ptr<Graph> record(torch::nn::Module& module, const TensorsFunction& function, const std::vector<at::Tensor>& examples,
                              BatchNorms norms) {
  const at::NoGradGuard no_grad;
  // The tracer takes no weights that train as constants: they go in as inputs, and become constants here.
  std::vector<at::Tensor> weights = module.parameters();
  for (const at::Tensor& buffer : module.buffers()) weights.push_back(buffer);
  torch::jit::Stack inputs(examples.begin(), examples.end());
  inputs.insert(inputs.end(), weights.begin(), weights.end());
  const size_t given = examples.size();
  const auto traced = torch::jit::tracer::trace(
      std::move(inputs),
      [&](const torch::jit::Stack& stack) -> torch::jit::Stack {
        std::vector<at::Tensor> tensors;
        for (size_t i = 0; i < given; ++i) tensors.push_back(stack[i].toTensor());
        return {function(tensors)};
      },
      [](const at::Tensor&) { return std::string(); }, /*strict=*/false);
  std::shared_ptr<Graph> graph = traced.first->graph;
  {
    const torch::jit::WithInsertPoint start(graph->block()->nodes().front());
    for (size_t i = 0; i < weights.size(); ++i) graph->inputs()[given + i]->replaceAllUsesWith(graph->insertConstant(weights[i].detach()));
  }
  for (size_t i = graph->inputs().size(); i > given; --i) graph->eraseInput(i - 1);
  torch::jit::ConstantPropagation(graph);
  for (Node* const node : graph->nodes()) {
    if (norms == BatchNorms::kFold && node->kind() == at::aten::batch_norm) fold_batch_norm(*graph, *node);
  }
  torch::jit::EliminateDeadCode(graph);
  return graph;
}

}  // namespace secgan
