#include "secgan/nn/onnx.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "core/format.hpp"
#include "io/protobuf.hpp"
#include "nn/recorded.hpp"
#include "secgan/core/error.hpp"
#include "secgan/version.hpp"

namespace secgan {
namespace {

using detail::ProtobufMessage;
using torch::jit::Node;
using torch::jit::Value;

// onnx.proto's numbers.
constexpr int64_t kIrVersion = 8, kOperators = 18;
constexpr int64_t kFloatType = 1, kInt64Type = 7, kHalfType = 10;
constexpr int64_t kRealAttribute = 1, kIntegerAttribute = 2, kTextAttribute = 3, kIntegersAttribute = 7;
/// Protobuf's own limit.
constexpr size_t kMostBytes = (size_t{1} << 31) - 1;

/// An operator's settings.
class Attributes {
 public:
  Attributes& integer(std::string_view name, int64_t value) {
    return add(name, kIntegerAttribute, [&](ProtobufMessage& to) { to.integer(3, value); });
  }
  Attributes& real(std::string_view name, double value) {
    return add(name, kRealAttribute, [&](ProtobufMessage& to) { to.real(2, static_cast<float>(value)); });
  }
  Attributes& text(std::string_view name, std::string_view value) {
    return add(name, kTextAttribute, [&](ProtobufMessage& to) { to.text(4, value); });
  }
  Attributes& integers(std::string_view name, const std::vector<int64_t>& values) {
    return add(name, kIntegersAttribute, [&](ProtobufMessage& to) {
      for (const int64_t value : values) to.integer(8, value);
    });
  }
  const std::vector<ProtobufMessage>& all() const { return all_; }

 private:
  Attributes& add(std::string_view name, int64_t type, const auto& fill) {
    ProtobufMessage& one = all_.emplace_back();
    one.text(1, name);
    fill(one);
    one.integer(20, type);
    return *this;
  }
  std::vector<ProtobufMessage> all_;
};

/// Walks the recorded graph once. Values of the model are named by numbers.
class Lowering {
 public:
  Lowering(torch::jit::Graph& graph, const OnnxNames& names) {
    for (size_t i = 0; i < graph.inputs().size(); ++i) {
      const OnnxInput& input = names.inputs[i];
      any_size_ = any_size_ || input.any_size;
      values_[graph.inputs()[i]] = input.name;
      graph_.message(11, described(input.name, input.example.sizes(), input.any_size));
    }
    graph_.text(2, "secgan");
    for (Node* const node : graph.nodes()) lower(*node);
    const Value* const out = graph.outputs()[0];
    write("Identity", {of(out)}, names.output);
    graph_.message(12, described(names.output, sizes(out), any_size_));
  }
  const ProtobufMessage& graph() const { return graph_; }

 private:
  using Lower = std::string (Lowering::*)(const Node&);

  [[noreturn]] static void lack(const Node& node, std::string_view what = "") {
    throw InvalidArgument(fmt::format("ONNX: {}{} is not written", node.kind().toQualString(), what));
  }
  static std::vector<int64_t> sizes(const Value* value) {
    const auto concrete = value->type()->expectRef<c10::TensorType>().sizes().concrete_sizes();
    if (!concrete) throw InvalidArgument("ONNX needs the shape of %" + value->debugName());
    return *concrete;
  }
  /// What is written as numbers must hold for every size.
  std::vector<int64_t> fixed_sizes(const Node& node, const Value* value) const {
    if (any_size_) lack(node, " with open height and width");
    return sizes(value);
  }
  static ProtobufMessage described(const std::string& name, at::IntArrayRef sizes, bool any_size) {
    ProtobufMessage shape, tensor, type, out;
    for (size_t i = 0; i < sizes.size(); ++i) {
      ProtobufMessage dimension;
      if (i == 0) {
        dimension.text(2, "batch");
      } else if (any_size && i >= 2) {
        dimension.text(2, fmt::format("{}_{}", name, i == 2 ? "height" : "width"));
      } else {
        dimension.integer(1, sizes[i]);
      }
      shape.message(1, dimension);
    }
    tensor.integer(1, kFloatType);
    tensor.message(2, shape);
    type.message(1, tensor);
    out.text(1, name);
    out.message(2, type);
    return out;
  }

  std::string fresh() { return fmt::format("v{}", next_++); }
  void write(std::string_view operation, const std::vector<std::string>& inputs, const std::string& output, const Attributes& how = {}) {
    ProtobufMessage node;
    for (const std::string& input : inputs) node.text(1, input);
    node.text(2, output);
    node.text(4, operation);
    for (const ProtobufMessage& attribute : how.all()) node.message(5, attribute);
    graph_.message(1, node);
  }
  std::string make(std::string_view operation, const std::vector<std::string>& inputs, const Attributes& how = {}) {
    std::string out = fresh();
    write(operation, inputs, out, how);
    return out;
  }

  std::string store(at::IntArrayRef shape, int64_t type, const void* data, size_t bytes) {
    ProtobufMessage tensor;
    for (const int64_t extent : shape) tensor.integer(1, extent);
    tensor.integer(2, type);
    std::string name = fresh();
    tensor.text(8, name);
    tensor.text(9, {static_cast<const char*>(data), bytes});
    graph_.message(5, tensor);
    return name;
  }
  std::string constant(const at::Tensor& tensor) {
    const at::Tensor values = tensor.detach().to(at::kCPU, at::kFloat).contiguous(), half = values.to(at::kHalf);
    constexpr int64_t kWorthIt = 64;
    if (values.numel() >= kWorthIt && half.to(at::kFloat).equal(values))
      return make("Cast", {store(values.sizes(), kHalfType, half.const_data_ptr(), half.nbytes())}, Attributes().integer("to", kFloatType));
    return store(values.sizes(), kFloatType, values.const_data_ptr(), values.nbytes());
  }
  std::string integers(const std::vector<int64_t>& values) {
    return store({static_cast<int64_t>(values.size())}, kInt64Type, values.data(), values.size() * sizeof(int64_t));
  }
  std::string integer(int64_t value) { return store({}, kInt64Type, &value, sizeof value); }
  std::string real(double value) { return constant(at::scalar_tensor(value, at::kFloat)); }

  static c10::IValue setting(const Node& node, size_t input) {
    const auto value = torch::jit::toIValue(node.input(input));
    if (!value) lack(node, " with settings that are computed");
    return *value;
  }
  static bool absent(const Node& node, size_t input) { return node.input(input)->mustBeNone(); }
  /// A tensor's value: of a node before, or a constant.
  std::string of(const Value* value) {
    if (const auto found = values_.find(value); found != values_.end()) return found->second;
    const auto known = torch::jit::toIValue(value);
    if (known && known->isTensor() && known->toTensor().defined()) return values_[value] = constant(known->toTensor());
    if (known && known->isScalar()) return real(known->toScalar().toDouble());
    lack(*value->node());
  }
  std::string of(const Node& node, size_t input) { return of(node.input(input)); }
  /// Counted from the front, as some operators ask for it.
  static int64_t axis(const Node& node, size_t input, size_t of = 0) {
    const int64_t given = setting(node, input).toInt();
    return given < 0 ? given + static_cast<int64_t>(sizes(node.input(of)).size()) : given;
  }

  void lower(const Node& node) {
    static const std::map<std::string, Lower> kLowerings{
        {"aten::_convolution", &Lowering::convolution},
        {"aten::linear", &Lowering::linear},
        {"aten::addmm", &Lowering::addmm},
        {"aten::matmul", &Lowering::binary<'@'>},
        {"aten::batch_norm", &Lowering::batch_norm},
        {"aten::instance_norm", &Lowering::instance_norm},
        {"aten::relu", &Lowering::relu},
        {"aten::relu_", &Lowering::relu},
        {"aten::sigmoid", &Lowering::sigmoid},
        {"aten::tanh", &Lowering::tanh},
        {"aten::exp", &Lowering::exp},
        {"aten::sqrt", &Lowering::sqrt},
        {"aten::leaky_relu", &Lowering::leaky_relu},
        {"aten::leaky_relu_", &Lowering::leaky_relu},
        {"aten::prelu", &Lowering::prelu},
        {"aten::softmax", &Lowering::softmax},
        {"aten::log_softmax", &Lowering::log_softmax},
        {"aten::max_pool2d", &Lowering::max_pool},
        {"aten::cat", &Lowering::cat},
        {"aten::unsqueeze", &Lowering::unsqueeze},
        {"aten::select", &Lowering::select},
        {"aten::narrow", &Lowering::narrow},
        {"aten::permute", &Lowering::permute},
        {"aten::expand", &Lowering::expand},
        {"aten::add", &Lowering::add},
        {"aten::add_", &Lowering::add},
        {"aten::sub", &Lowering::subtract},
        {"aten::sub_", &Lowering::subtract},
        {"aten::rsub", &Lowering::subtract_from},
        {"aten::mul", &Lowering::binary<'*'>},
        {"aten::mul_", &Lowering::binary<'*'>},
        {"aten::div", &Lowering::binary<'/'>},
        {"aten::square", &Lowering::square},
        {"aten::mean", &Lowering::mean},
        {"aten::flatten", &Lowering::reshape},
        {"aten::view", &Lowering::reshape},
        {"aten::view_as", &Lowering::reshape},
        {"aten::reshape", &Lowering::reshape},
        {"aten::pixel_shuffle", &Lowering::pixel_shuffle},
        {"aten::upsample_nearest2d", &Lowering::upsample_nearest},
        {"aten::upsample_bilinear2d", &Lowering::upsample_bilinear},
        {"aten::empty_like", &Lowering::same},  // its shape counts, until it is filled
        {"aten::fill_", &Lowering::fill},
        {"aten::to", &Lowering::same},
        {"aten::contiguous", &Lowering::same},
        {"aten::detach", &Lowering::same},
    };
    // Read where they are used; sizes are those of the recording.
    static const std::set<std::string> kRead{"prim::Constant",    "prim::ListConstruct", "aten::size",
                                             "prim::NumToTensor", "aten::Int",           "aten::ScalarImplicit"};
    const std::string kind = node.kind().toQualString();
    if (kRead.contains(kind)) return;
    if (kind == "aten::var_mean") return var_mean(node);
    const auto found = kLowerings.find(kind);
    if (found == kLowerings.end() || node.outputs().size() != 1) lack(node);
    values_[node.output()] = (this->*found->second)(node);
  }

  /// Settings of height and width, which LibTorch takes as one number, too.
  static std::vector<int64_t> pair(const Node& node, size_t input) {
    const auto given = setting(node, input).toIntVector();
    if (given.size() > 2) lack(node, " of other than two dimensions");
    return given.size() == 1 ? std::vector<int64_t>{given[0], given[0]} : given;
  }
  std::string convolution(const Node& node) {
    const auto stride = pair(node, 3), padding = pair(node, 4), dilation = pair(node, 5), output_padding = pair(node, 7);
    const bool transposed = setting(node, 6).toBool();
    Attributes how;
    how.integers("strides", stride).integers("dilations", dilation).integer("group", setting(node, 8).toInt());
    how.integers("pads", {padding[0], padding[1], padding[0], padding[1]});
    if (transposed) how.integers("output_padding", output_padding);
    std::vector<std::string> inputs{of(node, 0), of(node, 1)};
    if (!absent(node, 2)) inputs.push_back(of(node, 2));
    return make(transposed ? "ConvTranspose" : "Conv", inputs, how);
  }
  std::string linear(const Node& node) {
    if (sizes(node.input(0)).size() != 2) lack(node, " of other than [N, features]");
    std::vector<std::string> inputs{of(node, 0), of(node, 1)};
    if (!absent(node, 2)) inputs.push_back(of(node, 2));
    return make("Gemm", inputs, Attributes().integer("transB", 1));
  }
  std::string addmm(const Node& node) {
    return make("Gemm", {of(node, 1), of(node, 2), of(node, 0)},
                Attributes().real("beta", setting(node, 3).toScalar().toDouble()).real("alpha", setting(node, 4).toScalar().toDouble()));
  }
  std::string normalized(const Node& node) {
    const int64_t channels = sizes(node.input(0)).at(1);
    const auto affine = [&](size_t input, double otherwise) {
      return absent(node, input) ? constant(at::full({channels}, otherwise)) : of(node, input);
    };
    return make("BatchNormalization", {of(node, 0), affine(1, 1), affine(2, 0), of(node, 3), of(node, 4)},
                Attributes().real("epsilon", setting(node, 7).toDouble()));
  }
  std::string batch_norm(const Node& node) {
    if (setting(node, 5).toBool()) lack(node, " with the batch's own statistics");
    return normalized(node);
  }
  std::string instance_norm(const Node& node) {
    if (!setting(node, 5).toBool()) return normalized(node);
    const int64_t channels = sizes(node.input(0)).at(1);
    return make("InstanceNormalization",
                {of(node, 0), absent(node, 1) ? constant(at::ones({channels})) : of(node, 1),
                 absent(node, 2) ? constant(at::zeros({channels})) : of(node, 2)},
                Attributes().real("epsilon", setting(node, 7).toDouble()));
  }
  std::string relu(const Node& node) { return make("Relu", {of(node, 0)}); }
  std::string sigmoid(const Node& node) { return make("Sigmoid", {of(node, 0)}); }
  std::string tanh(const Node& node) { return make("Tanh", {of(node, 0)}); }
  std::string exp(const Node& node) { return make("Exp", {of(node, 0)}); }
  std::string sqrt(const Node& node) { return make("Sqrt", {of(node, 0)}); }
  template <char kOperation>
  std::string binary(const Node& node) {
    return make(kOperation == '*' ? "Mul" : kOperation == '/' ? "Div" : "MatMul", {of(node, 0), of(node, 1)});
  }
  /// The second operand times alpha, where that is not 1.
  std::string scaled(const Node& node) {
    const double alpha = setting(node, 2).toScalar().toDouble();
    return alpha == 1 ? of(node, 1) : make("Mul", {of(node, 1), real(alpha)});
  }
  std::string add(const Node& node) { return make("Add", {of(node, 0), scaled(node)}); }
  std::string subtract(const Node& node) { return make("Sub", {of(node, 0), scaled(node)}); }
  std::string subtract_from(const Node& node) {
    const double alpha = setting(node, 2).toScalar().toDouble();
    return make("Sub", {of(node, 1), alpha == 1 ? of(node, 0) : make("Mul", {of(node, 0), real(alpha)})});
  }
  /// LibTorch's C++ has `1 - x` as a tensor like x, filled with 1, less x: a scalar is as good there.
  std::string fill(const Node& node) {
    const bool subtracted =
        std::ranges::all_of(node.output()->uses(), [](const auto& use) { return use.user->kind() == at::Symbol::aten("sub_"); });
    if (!subtracted) lack(node, " of what is not subtracted from");
    return real(setting(node, 1).toScalar().toDouble());
  }
  std::string square(const Node& node) { return make("Mul", {of(node, 0), of(node, 0)}); }
  std::string leaky_relu(const Node& node) {
    return make("LeakyRelu", {of(node, 0)}, Attributes().real("alpha", setting(node, 1).toScalar().toDouble()));
  }
  /// A slope per channel, dimension 1.
  std::string prelu(const Node& node) {
    const auto slopes = torch::jit::toIValue(node.input(1));
    if (!slopes) lack(node, " with slopes that are computed");
    std::vector<int64_t> shape(sizes(node.input(0)).size() - 1, 1);
    shape[0] = -1;
    return make("PRelu", {of(node, 0), constant(slopes->toTensor().view(shape))});
  }
  std::string softmax(const Node& node) { return make("Softmax", {of(node, 0)}, Attributes().integer("axis", axis(node, 1))); }
  std::string log_softmax(const Node& node) { return make("LogSoftmax", {of(node, 0)}, Attributes().integer("axis", axis(node, 1))); }
  std::string max_pool(const Node& node) {
    const auto kernel = pair(node, 1), stride = pair(node, 2), padding = pair(node, 3);
    return make("MaxPool", {of(node, 0)},
                Attributes()
                    .integers("kernel_shape", kernel)
                    .integers("strides", stride.empty() ? kernel : stride)
                    .integers("pads", {padding[0], padding[1], padding[0], padding[1]})
                    .integers("dilations", pair(node, 4))
                    .integer("ceil_mode", setting(node, 5).toBool() ? 1 : 0));
  }
  std::string cat(const Node& node) {
    std::vector<std::string> parts;
    for (const Value* const part : node.input(0)->node()->inputs()) parts.push_back(of(part));
    const int64_t given = setting(node, 1).toInt();
    return make("Concat", parts, Attributes().integer("axis", given < 0 ? given + std::ssize(sizes(node.output())) : given));
  }
  std::string unsqueeze(const Node& node) {
    const int64_t given = setting(node, 1).toInt();
    return make("Unsqueeze", {of(node, 0), integers({given < 0 ? given + std::ssize(sizes(node.output())) : given})});
  }
  std::string select(const Node& node) {
    if (axis(node, 1) == 0) lack(node, " of the batch");
    return make("Gather", {of(node, 0), integer(setting(node, 2).toInt())}, Attributes().integer("axis", axis(node, 1)));
  }
  std::string narrow(const Node& node) {
    if (axis(node, 1) == 0) lack(node, " of the batch");
    const int64_t start = setting(node, 2).toInt(), length = setting(node, 3).toInt();
    return make("Slice", {of(node, 0), integers({start}), integers({start + length}), integers({axis(node, 1)})});
  }
  std::string permute(const Node& node) {
    const auto order = setting(node, 1).toIntVector();
    if (order.empty() || order[0] != 0) lack(node, " of the batch");
    return make("Transpose", {of(node, 0)}, Attributes().integers("perm", order));
  }
  /// Broadcast with a batch of 1: what is broadcast keeps its open batch.
  std::string expand(const Node& node) {
    std::vector<int64_t> shape = fixed_sizes(node, node.output());
    shape[0] = 1;
    return make("Expand", {of(node, 0), integers(shape)});
  }
  std::string averaged(const std::string& x, const std::vector<int64_t>& axes, bool keep) {
    return make("ReduceMean", {x, integers(axes)}, Attributes().integer("keepdims", keep ? 1 : 0));
  }
  std::string mean(const Node& node) {
    if (node.inputs().size() != 4) lack(node, " of all values");
    return averaged(of(node, 0), setting(node, 1).toIntVector(), setting(node, 2).toBool());
  }
  void var_mean(const Node& node) {
    const std::vector<int64_t> axes = setting(node, 1).toIntVector(), extents = fixed_sizes(node, node.input(0));
    const bool keep = setting(node, 3).toBool();
    const auto x = of(node, 0), deviation = make("Sub", {x, averaged(x, axes, true)});
    double count = 1;
    for (const int64_t one : axes) count *= static_cast<double>(extents.at(static_cast<size_t>(one < 0 ? one + std::ssize(extents) : one)));
    const double correction = setting(node, 2).isNone()   ? 1
                              : setting(node, 2).isBool() ? (setting(node, 2).toBool() ? 1.0 : 0.0)
                                                          : setting(node, 2).toScalar().toDouble();
    values_[node.output(0)] = make("Mul", {averaged(make("Mul", {deviation, deviation}), axes, keep), real(count / (count - correction))});
    values_[node.output(1)] = averaged(x, axes, keep);
  }
  std::string reshape(const Node& node) {
    std::vector<int64_t> shape = fixed_sizes(node, node.output());
    if (shape.empty() || shape[0] != sizes(node.input(0)).at(0)) lack(node, " that changes the batch");
    shape[0] = 0;  // as it is
    return make("Reshape", {of(node, 0), integers(shape)});
  }
  std::string pixel_shuffle(const Node& node) {
    return make("DepthToSpace", {of(node, 0)}, Attributes().integer("blocksize", setting(node, 1).toInt()).text("mode", "CRD"));
  }
  std::string resized(const Node& node, std::string_view mode, std::string_view coordinates) {
    const std::vector<int64_t> size = fixed_sizes(node, node.output());
    Attributes how;
    how.text("mode", mode).text("coordinate_transformation_mode", coordinates).integers("axes", {2, 3});
    if (mode == "nearest") how.text("nearest_mode", "floor");
    return make("Resize", {of(node, 0), "", "", integers({size.at(2), size.at(3)})}, how);
  }
  std::string upsample_nearest(const Node& node) { return resized(node, "nearest", "asymmetric"); }
  std::string upsample_bilinear(const Node& node) {
    return resized(node, "linear", setting(node, 2).toBool() ? "align_corners" : "half_pixel");
  }
  std::string same(const Node& node) { return of(node, 0); }

  ProtobufMessage graph_;
  std::unordered_map<const Value*, std::string> values_;
  int64_t next_ = 0;
  bool any_size_ = false;
};

}  // namespace

std::string encode_onnx(torch::nn::Module& module, const TensorsFunction& function, const OnnxNames& names) {
  std::vector<at::Tensor> examples;
  for (const OnnxInput& input : names.inputs) examples.push_back(input.example);
  // Batch norms stay: inside the convolutions weights of float16 would be none any more, and ONNX Runtime puts them there itself.
  const auto graph = record(module, function, examples, BatchNorms::kKeep);
  const Lowering lowered(*graph, names);
  ProtobufMessage operators, model;
  operators.text(1, "");
  operators.integer(2, kOperators);
  model.integer(1, kIrVersion);
  model.text(2, "secgan");
  model.text(3, kVersion);
  model.message(8, operators);
  model.message(7, lowered.graph());
  for (const auto& [key, value] : names.metadata) {
    ProtobufMessage entry;
    entry.text(1, key);
    entry.text(2, value);
    model.message(14, entry);
  }
  if (model.bytes().size() > kMostBytes) throw Error("ONNX: the network has more than 2 GB, which no .onnx file holds");
  return model.bytes();
}

}  // namespace secgan
