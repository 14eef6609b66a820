#include <ATen/ATen.h>
#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <unordered_map>

#include "nn/inductor_op.hpp"
#include "nn/map_product.hpp"
#include "nn/recorded.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

using c10::IValue;
using torch::jit::Node;
using torch::jit::Stack;
using torch::jit::Value;

/// What a convolution's kernel does with its result, by oneDNN's name.
struct Fused {
  std::string name = "none";
  c10::List<std::optional<at::Scalar>> scalars = c10::List<std::optional<at::Scalar>>();
};

void activate(at::Tensor& x, const Fused& fused) {
  if (fused.name == "relu") at::relu_(x);
  if (fused.name == "leaky_relu") at::leaky_relu_(x, std::optional<at::Scalar>(fused.scalars[0]).value());
  if (fused.name == "tanh") at::tanh_(x);
  if (fused.name == "sigmoid") at::sigmoid_(x);
}

bool packable(const Node& node) {
  const auto weight = torch::jit::toIValue(node.input(1)), bias = torch::jit::toIValue(node.input(2));
  return weight && bias && weight->toTensor().dim() == 4 && torch::jit::toIValue(node.input(8)) == IValue(1);
}

/// The map with the fewer pixels, where its shape is known.
std::optional<std::vector<int64_t>> smaller_map(const Node& node) {
  const bool transposed = torch::jit::toIValue(node.input(6)).value().toBool();
  const Value* const map = transposed ? node.input(0) : node.output();
  return map->type()->expectRef<c10::TensorType>().sizes().concrete_sizes();
}

/// Of a convolution that is faster as a product.
std::optional<ConvolutionShape> product_shape(const Node& node, const at::Tensor& weight) {
  const auto setting = [&](size_t input) { return torch::jit::toIValue(node.input(input)).value(); };
  const std::vector<int64_t> stride = setting(3).toIntVector(), padding = setting(4).toIntVector(), dilation = setting(5).toIntVector(),
                             added = setting(7).toIntVector();
  const bool plain = weight.size(2) == weight.size(3) && stride[0] == stride[1] && padding[0] == padding[1] &&
                     dilation == std::vector<int64_t>{1, 1} && added == std::vector<int64_t>{0, 0};
  const auto map = smaller_map(node);
  if (!plain || !map || !MapProduct::pays(weight, map->at(2), map->at(3))) return std::nullopt;
  return ConvolutionShape{stride[0], padding[0], setting(6).toBool()};
}

/// Values lie in slots, an instruction for each node.
class Packed {
 public:
  Packed(const std::shared_ptr<torch::jit::Graph>& graph, Precision precision) : graph_(graph), precision_(precision) {
    for (Value* const input : graph->inputs()) slot(input);
    for (Node* const node : graph->nodes()) {
      if (!slots_.contains(node->outputs()[0])) add(*node);
    }
    result_ = slot(graph->outputs()[0]);
    // A value is let go after its last reader.
    std::vector<bool> later(constants_.size());
    later[result_] = true;
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
      for (const size_t input : step->inputs) {
        if (!later[input]) step->last_read.push_back(input);
        later[input] = true;
      }
    }
  }

  at::Tensor run(const std::vector<at::Tensor>& inputs) const {
    const at::NoGradGuard no_grad;
    std::vector<IValue> values = constants_;
    for (size_t i = 0; i < inputs.size(); ++i)
      values[i] = inputs[i].dim() == 4 ? inputs[i].contiguous(at::MemoryFormat::ChannelsLast) : inputs[i];
    for (const Step& step : steps_) {
      Stack stack;
      for (const size_t input : step.inputs) stack.push_back(values[input]);
      step.run(stack);
      for (size_t i = 0; i < step.outputs.size(); ++i) values[step.outputs[i]] = std::move(stack[i]);
      for (const size_t input : step.last_read) values[input] = IValue();
    }
    return values[result_].toTensor().to(at::kFloat).contiguous();
  }

 private:
  struct Step {
    std::vector<size_t> inputs, outputs;
    std::function<void(Stack&)> run;  ///< inputs in, outputs out
    std::vector<size_t> last_read = {};
  };

  size_t slot(const Value* value) {
    const auto [found, fresh] = slots_.emplace(value, constants_.size());
    if (fresh) constants_.emplace_back();
    return found->second;
  }

  void add(Node& node) {
    if (node.kind() == at::prim::Constant) {
      constants_[slot(node.output())] = torch::jit::toIValue(node.output()).value();
      return;
    }
    if (node.kind() == at::aten::_convolution && packable(node)) return add_convolution(node);
    Step step;
    for (const Value* const input : node.inputs()) step.inputs.push_back(slot(input));
    for (const Value* const output : node.outputs()) step.outputs.push_back(slot(output));
    if (node.kind() == at::prim::ListConstruct) {
      const bool tensors = node.output()->type()->expectRef<c10::ListType>().getElementType()->isSubtypeOf(*c10::TensorType::get());
      if (!tensors) throw InvalidArgument("a list that is computed");
      step.run = [](Stack& stack) {
        c10::List<at::Tensor> list;
        for (const IValue& value : stack) list.push_back(value.toTensor());
        stack.assign(1, std::move(list));
      };
    } else {
      step.run = [operation = node.getOperation()](Stack& stack) mutable { operation(stack); };
    }
    steps_.push_back(std::move(step));
  }

  /// The activation that is a convolution's only reader; its value then is the convolution's.
  Fused fused_activation(Node& conv, Value*& output) const {
    if (conv.output()->uses().size() != 1) return {};
    Node& reader = *conv.output()->uses()[0].user;
    Fused fused;
    if (reader.kind() == at::aten::relu) {
      fused.name = "relu";
    } else if (reader.kind() == at::aten::leaky_relu) {
      fused.name = "leaky_relu";
      fused.scalars.push_back(torch::jit::toIValue(reader.input(1))->toScalar());
    } else if (reader.kind() == at::aten::tanh) {
      fused.name = "tanh";
    } else if (reader.kind() == at::aten::sigmoid) {
      fused.name = "sigmoid";
    } else {
      return {};
    }
    output = reader.output();
    return fused;
  }

  /// In float32: bfloat16's kernels are fast as they are.
  std::optional<MapProduct> as_product(const Node& node, const at::Tensor& weight) const {
    const std::optional<ConvolutionShape> shape = precision_ == Precision::kFloat32 ? product_shape(node, weight) : std::nullopt;
    if (!shape) return std::nullopt;
    const auto map = smaller_map(node).value();
    const auto bias = torch::jit::toIValue(node.input(2)).value();
    return MapProduct(weight, bias.isTensor() ? bias.toTensor() : at::Tensor(), *shape, map[0] * map[2] * map[3]);
  }

  void add_convolution(Node& node) {
    const auto setting = [&](size_t input) { return torch::jit::toIValue(node.input(input)).value(); };
    const at::ScalarType type = precision_ == Precision::kBfloat16 ? at::kBFloat16 : at::kFloat;
    const IValue stride = setting(3), padding = setting(4), dilation = setting(5), output_padding = setting(7);
    const bool transposed = setting(6).toBool();
    const at::Tensor weight = setting(1).toTensor().to(type);
    Value* output = node.output();
    const Fused fused = fused_activation(node, output);
    if (const std::optional<MapProduct> product = as_product(node, weight)) {
      steps_.push_back({{slot(node.input(0))}, {slot(output)}, [product, fused](Stack& stack) {
                          at::Tensor out = (*product)(stack[0].toTensor().to(at::kFloat));
                          activate(out, fused);
                          stack[0] = std::move(out);
                        }});
      return;
    }
    const IValue size = node.input(0)->type()->expectRef<c10::TensorType>().sizes().concrete_sizes().value();
    const at::Tensor packed = transposed ? inductor_op("mkldnn::_reorder_convolution_transpose_weight",
                                                       {weight, padding, output_padding, stride, dilation, 1, size})
                                         : inductor_op("mkldnn::_reorder_convolution_weight", {weight, padding, stride, dilation, 1, size});
    IValue bias = setting(2);
    if (bias.isTensor()) bias = bias.toTensor().to(type);
    Step step{{slot(node.input(0))}, {slot(output)}, [=](Stack& stack) {
                const at::Tensor x = stack[0].toTensor().to(type).contiguous(at::MemoryFormat::ChannelsLast);
                stack[0] = transposed
                               ? inductor_op("mkldnn::_convolution_transpose_pointwise", {x, packed, bias, padding, output_padding, stride,
                                                                                          dilation, 1, fused.name, fused.scalars, IValue()})
                               : inductor_op("mkldnn::_convolution_pointwise",
                                             {x, packed, bias, padding, stride, dilation, 1, fused.name, fused.scalars, IValue()});
              }};
    steps_.push_back(std::move(step));
  }

  std::shared_ptr<torch::jit::Graph> graph_;  ///< the nodes whose operations are called
  Precision precision_;
  std::unordered_map<const Value*, size_t> slots_;
  std::vector<IValue> constants_;  ///< what every slot begins with
  std::vector<Step> steps_;
  size_t result_ = 0;
};

}  // namespace

bool has_map_products(const torch::jit::Graph& graph) {
  return std::ranges::any_of(graph.nodes(), [](const Node* node) {
    return node->kind() == at::aten::_convolution && packable(*node) &&
           product_shape(*node, torch::jit::toIValue(node->input(1)).value().toTensor());
  });
}

TensorsFunction pack(const std::shared_ptr<torch::jit::Graph>& graph, Precision precision) {
  auto packed = std::make_shared<Packed>(graph, precision);
  return [packed](const std::vector<at::Tensor>& inputs) { return packed->run(inputs); };
}

}  // namespace secgan
