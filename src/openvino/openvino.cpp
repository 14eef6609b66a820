/// The engine OpenVINO, a library of its own that libsecgan loads when it is asked for: a recorded network as an ov::Model.

#include <ATen/ATen.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <openvino/openvino.hpp>
#include <openvino/opsets/opset13.hpp>
#include <unordered_map>

#include "nn/engine_plugin.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

namespace op = ov::opset13;
using torch::jit::Node;
using torch::jit::Value;

ov::Shape shape_of(at::IntArrayRef sizes) { return {sizes.begin(), sizes.end()}; }

std::shared_ptr<op::Constant> constant(const at::Tensor& tensor) {
  const at::Tensor values = tensor.detach().to(at::kFloat).contiguous();
  return std::make_shared<op::Constant>(ov::element::f32, shape_of(values.sizes()), values.const_data_ptr());
}
ov::Output<ov::Node> integers(const std::vector<int64_t>& values) {
  return op::Constant::create(ov::element::i64, {values.size()}, values);
}
ov::Output<ov::Node> integer(int64_t value) { return op::Constant::create(ov::element::i64, {}, {value}); }
ov::Output<ov::Node> real(double value) { return op::Constant::create(ov::element::f32, {}, {value}); }
template <class Op, class... Arguments>
ov::Output<ov::Node> make(Arguments&&... arguments) {
  return std::make_shared<Op>(std::forward<Arguments>(arguments)...);
}

/// Walks the graph's nodes once. The batch, dimension 0 of every value, stays open.
class Lowering {
 public:
  explicit Lowering(torch::jit::Graph& graph) {
    ov::ParameterVector parameters;
    for (Value* const input : graph.inputs()) {
      ov::PartialShape shape(shape_of(sizes(input)));
      shape[0] = ov::Dimension::dynamic();
      parameters.push_back(std::make_shared<op::Parameter>(ov::element::f32, shape));
      values_[input] = parameters.back();
    }
    for (Node* const node : graph.nodes()) lower(*node);
    model_ = std::make_shared<ov::Model>(ov::OutputVector{of(graph.outputs()[0])}, parameters, "secgan");
  }
  std::shared_ptr<ov::Model> model() const { return model_; }

 private:
  using Lower = ov::Output<ov::Node> (Lowering::*)(const Node&);

  static std::vector<int64_t> sizes(const Value* value) {
    const auto concrete = value->type()->expectRef<c10::TensorType>().sizes().concrete_sizes();
    if (!concrete) throw InvalidArgument("engine 'openvino' needs the shape of %" + value->debugName());
    return *concrete;
  }
  static c10::IValue setting(const Node& node, size_t input) {
    const auto value = torch::jit::toIValue(node.input(input));
    if (!value)
      throw InvalidArgument(std::string("engine 'openvino' lacks ") + node.kind().toQualString() + " with settings that are computed");
    return *value;
  }
  /// A tensor's value: of a node before, or a constant.
  ov::Output<ov::Node> of(const Value* value) {
    if (const auto found = values_.find(value); found != values_.end()) return found->second;
    const auto known = torch::jit::toIValue(value);
    if (known && known->isTensor() && known->toTensor().defined()) return values_[value] = constant(known->toTensor());
    if (known && known->isScalar()) return real(known->toScalar().toDouble());
    throw InvalidArgument("engine 'openvino' lacks " + std::string(value->node()->kind().toQualString()));
  }
  ov::Output<ov::Node> of(const Node& node, size_t input) { return of(node.input(input)); }
  /// [C] as [1, C, 1, 1].
  ov::Output<ov::Node> per_channel(const Value* value) {
    const at::Tensor tensor = torch::jit::toIValue(value)->toTensor();
    return constant(tensor.view({1, -1, 1, 1}));
  }
  static bool absent(const Node& node, size_t input) { return node.input(input)->mustBeNone(); }

  void lower(const Node& node) {
    static const std::map<std::string, Lower> kLowerings{
        {"aten::_convolution", &Lowering::convolution},
        {"aten::batch_norm", &Lowering::batch_norm},
        {"aten::instance_norm", &Lowering::instance_norm},
        {"aten::relu", &Lowering::unary<op::Relu>},
        {"aten::sigmoid", &Lowering::unary<op::Sigmoid>},
        {"aten::tanh", &Lowering::unary<op::Tanh>},
        {"aten::sqrt", &Lowering::unary<op::Sqrt>},
        {"aten::leaky_relu", &Lowering::leaky_relu},
        {"aten::softmax", &Lowering::softmax},
        {"aten::cat", &Lowering::cat},
        {"aten::unsqueeze", &Lowering::unsqueeze},
        {"aten::narrow", &Lowering::narrow},
        {"aten::expand", &Lowering::expand},
        {"aten::add", &Lowering::add},
        {"aten::sub", &Lowering::subtract},
        {"aten::rsub", &Lowering::subtract_from},
        {"aten::mul", &Lowering::binary<op::Multiply>},
        {"aten::div", &Lowering::binary<op::Divide>},
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
        {"aten::sub_", &Lowering::subtract},
        {"aten::to", &Lowering::same},
        {"aten::contiguous", &Lowering::same},
        {"aten::detach", &Lowering::same},
    };
    const std::string kind = node.kind().toQualString();
    if (kind == "prim::Constant" || kind == "prim::ListConstruct") return;  // read where they are used
    if (kind == "aten::var_mean") return var_mean(node);
    const auto found = kLowerings.find(kind);
    if (found == kLowerings.end() || node.outputs().size() != 1) throw InvalidArgument("engine 'openvino' lacks " + kind);
    values_[node.output()] = (this->*found->second)(node);
  }

  ov::Output<ov::Node> convolution(const Node& node) {
    const auto list = [&](size_t input) { return setting(node, input).toIntVector(); };
    const auto stride = list(3), padding = list(4), dilation = list(5), output_padding = list(7);
    if (setting(node, 8).toInt() != 1 || stride.size() != 2) throw InvalidArgument("engine 'openvino' lacks grouped convolutions");
    const ov::Strides strides(stride.begin(), stride.end()), dilations(dilation.begin(), dilation.end());
    const ov::CoordinateDiff pads(padding.begin(), padding.end());
    ov::Output<ov::Node> out;
    if (setting(node, 6).toBool()) {
      out = make<op::ConvolutionBackpropData>(of(node, 0), of(node, 1), strides, pads, pads, dilations, ov::op::PadType::EXPLICIT,
                                              ov::CoordinateDiff(output_padding.begin(), output_padding.end()));
    } else {
      out = make<op::Convolution>(of(node, 0), of(node, 1), strides, pads, pads, dilations);
    }
    return absent(node, 2) ? out : make<op::Add>(out, per_channel(node.input(2)));
  }
  ov::Output<ov::Node> batch_norm(const Node& node) {
    if (setting(node, 5).toBool()) throw InvalidArgument("engine 'openvino' lacks batch norm with the batch's own statistics");
    return make<op::BatchNormInference>(of(node, 0), of(node, 1), of(node, 2), of(node, 3), of(node, 4), setting(node, 7).toDouble());
  }
  ov::Output<ov::Node> instance_norm(const Node& node) {
    const double epsilon = setting(node, 7).toDouble();
    if (!setting(node, 5).toBool())
      return make<op::BatchNormInference>(of(node, 0), of(node, 1), of(node, 2), of(node, 3), of(node, 4), epsilon);
    const auto normed = make<op::MVN>(of(node, 0), integers({2, 3}), true, static_cast<float>(epsilon), ov::op::MVNEpsMode::INSIDE_SQRT);
    if (absent(node, 1)) return normed;
    return make<op::Add>(make<op::Multiply>(normed, per_channel(node.input(1))), per_channel(node.input(2)));
  }
  template <class Op>
  ov::Output<ov::Node> unary(const Node& node) {
    return make<Op>(of(node, 0));
  }
  template <class Op>
  ov::Output<ov::Node> binary(const Node& node) {
    return make<Op>(of(node, 0), of(node, 1));
  }
  /// The second operand times alpha, where that is not 1.
  ov::Output<ov::Node> scaled(const Node& node) {
    const double alpha = setting(node, 2).toScalar().toDouble();
    return alpha == 1 ? of(node, 1) : make<op::Multiply>(of(node, 1), real(alpha));
  }
  ov::Output<ov::Node> add(const Node& node) { return make<op::Add>(of(node, 0), scaled(node)); }
  ov::Output<ov::Node> subtract(const Node& node) { return make<op::Subtract>(of(node, 0), scaled(node)); }
  ov::Output<ov::Node> subtract_from(const Node& node) {
    const double alpha = setting(node, 2).toScalar().toDouble();
    return make<op::Subtract>(of(node, 1), alpha == 1 ? of(node, 0) : make<op::Multiply>(of(node, 0), real(alpha)));
  }
  /// LibTorch's C++ has `1 - x` as a tensor like x, filled with 1, less x: a scalar is as good there.
  ov::Output<ov::Node> fill(const Node& node) {
    const auto value = real(setting(node, 1).toScalar().toDouble());
    const auto uses = node.output()->uses();
    const bool subtracted = std::ranges::all_of(uses, [](const auto& use) { return use.user->kind() == at::Symbol::aten("sub_"); });
    return subtracted ? value : make<op::Broadcast>(value, make<op::ShapeOf>(of(node, 0)));
  }
  ov::Output<ov::Node> square(const Node& node) { return make<op::Multiply>(of(node, 0), of(node, 0)); }
  ov::Output<ov::Node> leaky_relu(const Node& node) {
    return make<op::PRelu>(of(node, 0), op::Constant::create(ov::element::f32, {1}, {setting(node, 1).toScalar().toDouble()}));
  }
  ov::Output<ov::Node> softmax(const Node& node) { return make<op::Softmax>(of(node, 0), setting(node, 1).toInt()); }
  ov::Output<ov::Node> cat(const Node& node) {
    ov::OutputVector parts;
    for (const Value* const part : node.input(0)->node()->inputs()) parts.push_back(of(part));
    return make<op::Concat>(parts, setting(node, 1).toInt());
  }
  ov::Output<ov::Node> unsqueeze(const Node& node) { return make<op::Unsqueeze>(of(node, 0), integer(setting(node, 1).toInt())); }
  ov::Output<ov::Node> narrow(const Node& node) {
    const int64_t start = setting(node, 2).toInt(), length = setting(node, 3).toInt();
    return make<op::Slice>(of(node, 0), integers({start}), integers({start + length}), integers({1}), integers({setting(node, 1).toInt()}));
  }
  /// Times ones, whose batch is 1: what is broadcast keeps its open batch.
  ov::Output<ov::Node> expand(const Node& node) {
    std::vector<int64_t> ones = sizes(node.output());
    ones[0] = 1;
    return make<op::Multiply>(of(node, 0), constant(at::ones(ones)));
  }
  ov::Output<ov::Node> mean(const Node& node) {
    if (node.inputs().size() != 4) throw InvalidArgument("engine 'openvino' lacks the mean of all values");
    return make<op::ReduceMean>(of(node, 0), integers(setting(node, 1).toIntVector()), setting(node, 2).toBool());
  }
  void var_mean(const Node& node) {
    const std::vector<int64_t> axes = setting(node, 1).toIntVector();
    const bool keep = setting(node, 3).toBool();
    const auto x = of(node, 0), mean = make<op::ReduceMean>(x, integers(axes), true);
    const auto deviation = make<op::Subtract>(x, mean);
    double count = 1;
    for (const int64_t axis : axes) count *= static_cast<double>(sizes(node.input(0)).at(static_cast<size_t>(axis)));
    const double correction = setting(node, 2).isNone()   ? 1
                              : setting(node, 2).isBool() ? setting(node, 2).toBool()
                                                          : setting(node, 2).toScalar().toDouble();
    const auto spread = make<op::ReduceMean>(make<op::Multiply>(deviation, deviation), integers(axes), keep);
    values_[node.output(0)] = make<op::Multiply>(spread, real(count / (count - correction)));
    values_[node.output(1)] = keep ? mean : make<op::ReduceMean>(x, integers(axes), false);
  }
  ov::Output<ov::Node> reshape(const Node& node) {
    std::vector<int64_t> shape = sizes(node.output());
    if (shape.empty() || shape[0] != sizes(node.input(0)).at(0))
      throw InvalidArgument("engine 'openvino' lacks views that change the batch");
    shape[0] = 0;  // as it is
    return make<op::Reshape>(of(node, 0), integers(shape), /*special_zero=*/true);
  }
  ov::Output<ov::Node> pixel_shuffle(const Node& node) {
    return make<op::DepthToSpace>(of(node, 0), op::DepthToSpace::DepthToSpaceMode::DEPTH_FIRST,
                                  static_cast<size_t>(setting(node, 1).toInt()));
  }
  ov::Output<ov::Node> interpolate(const Node& node, op::Interpolate::InterpolateMode mode) {
    const std::vector<int64_t> size = sizes(node.output());
    op::Interpolate::InterpolateAttrs how(mode, op::Interpolate::ShapeCalcMode::SIZES, {0, 0}, {0, 0});
    how.coordinate_transformation_mode = mode == op::Interpolate::InterpolateMode::NEAREST
                                             ? op::Interpolate::CoordinateTransformMode::ASYMMETRIC
                                             : op::Interpolate::CoordinateTransformMode::HALF_PIXEL;
    how.nearest_mode = op::Interpolate::NearestMode::FLOOR;
    return make<op::Interpolate>(of(node, 0), integers({size.at(2), size.at(3)}), integers({2, 3}), how);
  }
  ov::Output<ov::Node> upsample_nearest(const Node& node) { return interpolate(node, op::Interpolate::InterpolateMode::NEAREST); }
  ov::Output<ov::Node> upsample_bilinear(const Node& node) {
    if (setting(node, 2).toBool()) throw InvalidArgument("engine 'openvino' lacks bilinear upsampling with aligned corners");
    return interpolate(node, op::Interpolate::InterpolateMode::LINEAR_ONNX);
  }
  ov::Output<ov::Node> same(const Node& node) { return of(node, 0); }

  std::unordered_map<const Value*, ov::Output<ov::Node>> values_;
  std::shared_ptr<ov::Model> model_;
};

/// Requests are taken out while they run: as many as there are threads that call.
class Program {
 public:
  explicit Program(ov::CompiledModel model) : model_(std::move(model)) {}

  at::Tensor run(const std::vector<at::Tensor>& inputs) {
    ov::InferRequest request = take();
    std::vector<at::Tensor> held;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const at::Tensor& values = held.emplace_back(inputs[i].to(at::kFloat).contiguous());
      request.set_input_tensor(i, ov::Tensor(ov::element::f32, shape_of(values.sizes()), values.data_ptr()));
    }
    request.infer();
    const ov::Tensor out = request.get_output_tensor(0);
    const ov::Shape extents = out.get_shape();
    const std::vector<int64_t> shape(extents.begin(), extents.end());
    at::Tensor result = at::empty(shape, at::kFloat);
    std::memcpy(result.mutable_data_ptr(), out.data(), out.get_byte_size());
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(request));
    return result;
  }

 private:
  ov::InferRequest take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return model_.create_infer_request();
    ov::InferRequest request = std::move(idle_.back());
    idle_.pop_back();
    return request;
  }

  ov::CompiledModel model_;
  std::mutex mutex_;
  std::vector<ov::InferRequest> idle_;
};

/// One for the process: it holds the plugins.
ov::Core& core() {
  static ov::Core core;
  return core;
}

TensorsFunction compile(torch::jit::Graph& graph, Precision precision, int threads) {
  ov::AnyMap how{ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
                 ov::hint::inference_precision(precision == Precision::kBfloat16 ? ov::element::bf16 : ov::element::f32),
                 ov::inference_num_threads(threads)};
  try {
    auto program = std::make_shared<Program>(core().compile_model(Lowering(graph).model(), "CPU", how));
    return [program](const std::vector<at::Tensor>& inputs) { return program->run(inputs); };
  } catch (const ov::Exception& error) {
    throw InvalidArgument(std::string("engine 'openvino' cannot take this network: ") + error.what());
  }
}

std::string version() {
  const std::string build = ov::get_openvino_version().buildNumber;  // "2026.4.1-22982-…"
  return build.substr(0, build.find('-'));
}

}  // namespace
}  // namespace secgan

extern "C" __attribute__((visibility("default"))) const secgan::detail::EnginePlugin* secgan_engine_plugin() {
  static const secgan::detail::EnginePlugin plugin{secgan::version(), &secgan::compile};
  return &plugin;
}
