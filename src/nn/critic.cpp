#include "nn/critic.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "nn/norms.hpp"
#include "ops/norm_activation.hpp"
#include "secgan/core/error.hpp"
#include "secgan/nn/autocast.hpp"
#include "secgan/ops/precision.hpp"

namespace secgan {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Gradients of parameters, in full precision.
class Gradients {
 public:
  void add(const at::Tensor& parameter, const at::Tensor& gradient) {
    at::Tensor& sum = sums_[parameter.unsafeGetTensorImpl()];
    const at::Tensor value = gradient.to(parameter.scalar_type());
    sum = sum.defined() ? sum + value : value;
  }
  at::Tensor of(const at::Tensor& parameter) const {
    const auto found = sums_.find(parameter.unsafeGetTensorImpl());
    return found == sums_.end() ? at::Tensor() : found->second;
  }

 private:
  std::unordered_map<const at::TensorImpl*, at::Tensor> sums_;
};

constexpr int64_t kKinds = 3;  // of a batch's images: real, fake, interpolated, in this order, as many of each

/// Which images of a batch are the interpolates.
struct Rows {
  int64_t begin, count;
  at::Tensor of(const at::Tensor& batch) const { return batch.narrow(0, begin, count); }
};

/// One map of a chain, y = f(x). Calls come in this order, each once: forward of the whole batch; pull of the interpolates' gradient; push,
/// where the penalty counts; backward of the whole batch, or of its first images.
class Layer {
 public:
  virtual ~Layer() = default;
  virtual at::Tensor forward(const at::Tensor& x) = 0;
  /// J^T gradient at the interpolates.
  virtual at::Tensor pull(const at::Tensor& gradient, const Rows& between) = 0;
  /// J covector; keeps the derivatives of <covector, J^T gradient> for `backward`.
  virtual at::Tensor push(const at::Tensor& covector, const Rows& between) = 0;
  /// @return J^T gradient; undefined unless `input_wanted`
  virtual at::Tensor backward(const at::Tensor& gradient, const Rows& between, bool input_wanted, Gradients& gradients) = 0;
  /// The parameters that the layer has a gradient for.
  virtual std::vector<at::Tensor> parameters() const { return {}; }
};

at::Tensor joined(const at::Tensor& a, const at::Tensor& b) { return b.defined() ? at::cat({a, b}) : a; }

class Convolution final : public Layer {
 public:
  Convolution(const torch::nn::Conv2dImpl& module, at::ScalarType type)
      : weight_(module.weight),
        bias_(module.bias),
        cast_weight_(weight_.detach().to(type)),
        cast_bias_(bias_.defined() ? bias_.detach().to(type) : at::Tensor()),
        stride_(module.options.stride()),
        padding_(std::get<torch::ExpandingArray<2>>(module.options.padding())),
        dilation_(module.options.dilation()),
        groups_(module.options.groups()) {}

  at::Tensor forward(const at::Tensor& x) override {
    input_ = x;
    return at::convolution(x, cast_weight_, cast_bias_, *stride_, *padding_, *dilation_, false, {0, 0}, groups_);
  }
  at::Tensor pull(const at::Tensor& gradient, const Rows& between) override {
    pulled_ = gradient;
    return of_input(gradient, between.of(input_));
  }
  at::Tensor push(const at::Tensor& covector, const Rows&) override {
    pushed_ = covector;
    return at::convolution(covector, cast_weight_, {}, *stride_, *padding_, *dilation_, false, {0, 0}, groups_);
  }
  at::Tensor backward(const at::Tensor& gradient, const Rows&, bool input_wanted, Gradients& gradients) override {
    const at::Tensor x = input_.narrow(0, 0, gradient.size(0));
    if (!pushed_.defined()) pulled_.reset();
    gradients.add(weight_, std::get<1>(backward_of(joined(gradient, pulled_), joined(x, pushed_), {false, true, false})));
    if (bias_.defined()) gradients.add(bias_, gradient.sum({0, 2, 3}, false, bias_.scalar_type()));
    return input_wanted ? of_input(gradient, x) : at::Tensor();
  }
  std::vector<at::Tensor> parameters() const override { return bias_.defined() ? std::vector{weight_, bias_} : std::vector{weight_}; }

 private:
  std::tuple<at::Tensor, at::Tensor, at::Tensor> backward_of(const at::Tensor& gradient, const at::Tensor& x,
                                                             std::array<bool, 3> wanted) const {
    return at::convolution_backward(gradient, x, cast_weight_, std::nullopt, *stride_, *padding_, *dilation_, false, {0, 0}, groups_,
                                    wanted);
  }
  at::Tensor of_input(const at::Tensor& gradient, const at::Tensor& x) const {
    return std::get<0>(backward_of(gradient, x, {true, false, false}));
  }

  at::Tensor weight_, bias_, cast_weight_, cast_bias_;
  torch::ExpandingArray<2> stride_, padding_, dilation_;
  int64_t groups_;
  at::Tensor input_, pulled_, pushed_;
};

/// Takes feature maps as what they flatten to.
class Linear final : public Layer {
 public:
  Linear(const torch::nn::LinearImpl& module, at::ScalarType type)
      : weight_(module.weight),
        bias_(module.bias),
        cast_weight_(weight_.detach().to(type)),
        cast_bias_(bias_.defined() ? bias_.detach().to(type) : at::Tensor()) {}

  at::Tensor forward(const at::Tensor& x) override {
    shape_ = x.sizes().vec();
    input_ = x.flatten(1);
    return at::linear(input_, cast_weight_, cast_bias_);
  }
  at::Tensor pull(const at::Tensor& gradient, const Rows&) override {
    pulled_ = gradient;
    return of_input(gradient);
  }
  at::Tensor push(const at::Tensor& covector, const Rows&) override {
    pushed_ = covector.flatten(1);
    return at::linear(pushed_, cast_weight_);
  }
  at::Tensor backward(const at::Tensor& gradient, const Rows&, bool input_wanted, Gradients& gradients) override {
    if (!pushed_.defined()) pulled_.reset();
    gradients.add(weight_, joined(gradient, pulled_).t().mm(joined(input_.narrow(0, 0, gradient.size(0)), pushed_)));
    if (bias_.defined()) gradients.add(bias_, gradient.sum({0}, false, bias_.scalar_type()));
    return input_wanted ? of_input(gradient) : at::Tensor();
  }
  std::vector<at::Tensor> parameters() const override { return bias_.defined() ? std::vector{weight_, bias_} : std::vector{weight_}; }

 private:
  at::Tensor of_input(const at::Tensor& gradient) const {
    std::vector<int64_t> shape = shape_;
    shape[0] = gradient.size(0);
    const at::Tensor flat = gradient.mm(cast_weight_).view(shape);
    return shape.size() == 4 ? flat.contiguous(at::MemoryFormat::ChannelsLast) : flat;
  }

  at::Tensor weight_, bias_, cast_weight_, cast_bias_;
  std::vector<int64_t> shape_;
  at::Tensor input_, pulled_, pushed_;
};

/// Leaky ReLU, of slope 0 ReLU: linear on either side.
class Leaky final : public Layer {
 public:
  explicit Leaky(double slope) : slope_(slope) {}

  at::Tensor forward(const at::Tensor& x) override { return output_ = at::leaky_relu(x, slope_); }
  at::Tensor pull(const at::Tensor& gradient, const Rows& between) override { return masked(gradient, between.of(output_)); }
  at::Tensor push(const at::Tensor& covector, const Rows& between) override { return masked(covector, between.of(output_)); }
  at::Tensor backward(const at::Tensor& gradient, const Rows&, bool, Gradients&) override {
    return masked(gradient, output_.narrow(0, 0, gradient.size(0)));
  }

 private:
  at::Tensor masked(const at::Tensor& values, const at::Tensor& output) const {
    return at::leaky_relu_backward(values, output, slope_, /*self_is_result=*/true);
  }

  double slope_;
  at::Tensor output_;
};

/// Affine instance norm with the leaky ReLU behind it; of slope 1 none.
class Norm final : public Layer {
 public:
  Norm(const torch::nn::InstanceNorm2dImpl& module, double slope)
      : weight_(module.weight), bias_(module.bias), epsilon_(module.options.eps()), slope_(slope) {}
  Norm(TrackedInstanceNormImpl& module, double slope)
      : weight_(module.weight()), bias_(module.bias()), epsilon_(module.epsilon()), slope_(slope), tracked_(&module) {}

  at::Tensor forward(const at::Tensor& x) override {
    at_ = norm_activation(x, weight_.detach(), bias_.detach(), epsilon_, slope_);
    if (tracked_ != nullptr) {
      // As of three passes, one after the other.
      const auto means = at_.mean.chunk(kKinds), rstds = at_.rstd.chunk(kKinds);
      for (size_t kind = 0; kind < means.size(); ++kind) tracked_->track(means[kind], rstds[kind], x.size(2) * x.size(3));
    }
    return at_.output;
  }
  at::Tensor pull(const at::Tensor& gradient, const Rows& between) override {
    pulled_ = gradient;
    return norm_activation_gradient(gradient, at_.rows(between.begin, between.count)).input;
  }
  at::Tensor push(const at::Tensor& covector, const Rows& between) override {
    NormSecondGradient second = norm_activation_second_gradient(covector, pulled_, at_.rows(between.begin, between.count));
    pulled_.reset();
    of_input_ = second.input;
    of_weight_ = second.weight.sum(0);
    return second.gradient;
  }
  at::Tensor backward(const at::Tensor& gradient, const Rows& between, bool, Gradients& gradients) override {
    const NormGradient first = norm_activation_gradient(gradient, at_.rows(0, gradient.size(0)));
    gradients.add(bias_, first.bias.sum(0));
    gradients.add(weight_, of_weight_.defined() ? first.weight.sum(0) + of_weight_ : first.weight.sum(0));
    if (of_input_.defined()) between.of(first.input).add_(of_input_);
    return first.input;
  }
  std::vector<at::Tensor> parameters() const override { return {weight_, bias_}; }

 private:
  at::Tensor weight_, bias_;
  double epsilon_, slope_;
  TrackedInstanceNormImpl* tracked_ = nullptr;
  NormActivation at_;
  at::Tensor pulled_, of_input_, of_weight_;
};

/// Layers one after the other, each let go after its last call.
class Chain {
 public:
  static std::optional<Chain> of(const CriticLayers::Chain& modules, at::ScalarType type) {
    Chain chain;
    for (size_t i = 0; i < modules.size(); ++i) {
      torch::nn::Module* const module = modules[i].get();
      const auto add_norm = [&](auto& norm) {
        const auto slope_behind = i + 1 < modules.size() ? slope_of(modules[i + 1].get()) : std::nullopt;
        chain.layers_.push_back(std::make_unique<Norm>(norm, slope_behind.value_or(1)));
        if (slope_behind) ++i;
      };
      if (const auto slope = slope_of(module)) {
        chain.layers_.push_back(std::make_unique<Leaky>(*slope));
      } else if (const auto* convolution = dynamic_cast<const torch::nn::Conv2dImpl*>(module)) {
        if (!std::holds_alternative<torch::ExpandingArray<2>>(convolution->options.padding()) || convolution->options.transposed() ||
            !std::holds_alternative<torch::enumtype::kZeros>(convolution->options.padding_mode())) {
          return std::nullopt;
        }
        chain.layers_.push_back(std::make_unique<Convolution>(*convolution, type));
      } else if (const auto* linear = dynamic_cast<const torch::nn::LinearImpl*>(module)) {
        chain.layers_.push_back(std::make_unique<Linear>(*linear, type));
      } else if (const auto* norm = dynamic_cast<const torch::nn::InstanceNorm2dImpl*>(module)) {
        if (!norm->weight.defined() || norm->running_mean.defined()) return std::nullopt;
        add_norm(*norm);
      } else if (auto* const tracked = dynamic_cast<TrackedInstanceNormImpl*>(module)) {
        if (!tracked->is_instance_norm()) return std::nullopt;
        add_norm(*tracked);
      } else {
        return std::nullopt;
      }
    }
    return chain;
  }

  at::Tensor forward(at::Tensor x) {
    for (const auto& layer : layers_) x = layer->forward(x);
    return x;
  }
  at::Tensor pull(at::Tensor gradient, const Rows& between) {
    for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) gradient = (*layer)->pull(gradient, between);
    return gradient;
  }
  at::Tensor push(at::Tensor covector, const Rows& between) {
    for (const auto& layer : layers_) covector = layer->push(covector, between);
    return covector;
  }
  at::Tensor backward(at::Tensor gradient, const Rows& between, bool input_wanted, Gradients& gradients) {
    while (!layers_.empty()) {
      gradient = layers_.back()->backward(gradient, between, input_wanted || layers_.size() > 1, gradients);
      layers_.pop_back();
    }
    return gradient;
  }
  /// A norm's second derivative belongs to interpolates, which the backward pass of a head leaves out, and its running statistics to all
  /// images, of which the attributes' head sees the real ones.
  bool has_norm() const {
    return std::ranges::any_of(layers_, [](const auto& layer) { return dynamic_cast<const Norm*>(layer.get()) != nullptr; });
  }
  void add_parameters(variable_list& list) const {
    for (const auto& layer : layers_) {
      for (const at::Tensor& parameter : layer->parameters()) list.push_back(parameter);
    }
  }

 private:
  static std::optional<double> slope_of(const torch::nn::Module* module) {
    if (dynamic_cast<const torch::nn::ReLUImpl*>(module) != nullptr) return 0;
    const auto* leaky = dynamic_cast<const torch::nn::LeakyReLUImpl*>(module);
    if (leaky == nullptr || leaky->options.negative_slope() < 0) return std::nullopt;
    return leaky->options.negative_slope();
  }

  std::vector<std::unique_ptr<Layer>> layers_;
};

/// The whole pass.
class Pass : public torch::CustomClassHolder {
 public:
  Pass(Chain trunk, Chain adversarial, Chain attributes, at::ScalarType type)
      : trunk_(std::move(trunk)), adversarial_(std::move(adversarial)), attributes_(std::move(attributes)), type_(type) {
    trunk_.add_parameters(parameters_);
    adversarial_.add_parameters(parameters_);
    attributes_.add_parameters(parameters_);
  }

  const variable_list& parameters() const { return parameters_; }

  void forward(const at::Tensor& real, const at::Tensor& fake, const at::Tensor& between) {
    const at::NoGradGuard no_grad;
    const AutocastGuard plain(false, real.device().type());
    const int64_t n = real.size(0);
    between_ = {(kKinds - 1) * n, n};
    const at::Tensor images = at::cat({real, fake, between}).to(type_, false, false, at::MemoryFormat::ChannelsLast);
    const at::Tensor features = trunk_.forward(images);
    const at::Tensor logits = attributes_.forward(features.narrow(0, 0, n));
    logits_shape_ = logits.sizes().vec();
    const at::Tensor scores = adversarial_.forward(features);
    scores_shape_ = scores.sizes().vec();
    scores_shape_[0] = n;
    options_ = scores.options().dtype(at::promote_types(type_, at::kFloat));
    const at::Tensor gradient = trunk_.pull(adversarial_.pull(at::ones_like(between_.of(scores)), between_), between_);
    results_ = {full_precision(scores.narrow(0, 0, n)).clone(), full_precision(scores.narrow(0, n, n)).clone(),
                full_precision(logits).flatten(1), full_precision(gradient)};
  }
  /// Real and fake scores, real attribute logits, the interpolates' gradient.
  variable_list take_results() { return std::exchange(results_, {}); }

  /// @param above  gradients of what forward gave; undefined where nothing follows from it
  variable_list backward(const variable_list& above) {
    if (spent_ || at::GradMode::is_enabled())
      throw Error("a discriminator's penalized pass is differentiated once, and not twice: SECGAN_FAST_PATHS=0 takes the graph instead");
    spent_ = true;
    const AutocastGuard plain(false, options_.device().type());
    if (above[3].defined()) adversarial_.push(trunk_.push(above[3].to(type_), between_), between_);
    Gradients gradients;
    const auto of_scores = [&](const at::Tensor& given) { return given.defined() ? given : at::zeros(scores_shape_, options_); };
    const at::Tensor of_features =
        adversarial_.backward(at::cat({of_scores(above[0]), of_scores(above[1])}).to(type_), between_, true, gradients);
    if (above[2].defined()) {
      const at::Tensor of_real = attributes_.backward(above[2].reshape(logits_shape_).to(type_), between_, true, gradients);
      of_features.narrow(0, 0, of_real.size(0)).add_(of_real);
    }
    // The interpolates' scores count nothing by themselves: what they give begins inside the trunk.
    const at::Tensor of_all = above[3].defined() ? at::cat({of_features, at::zeros_like(between_of(of_features))}) : of_features;
    trunk_.backward(of_all, between_, false, gradients);
    variable_list out;
    for (const at::Tensor& parameter : parameters_) out.push_back(gradients.of(parameter));
    return out;
  }

 private:
  at::Tensor between_of(const at::Tensor& real_and_fake) const { return real_and_fake.narrow(0, 0, between_.count); }

  Chain trunk_, adversarial_, attributes_;
  at::ScalarType type_;
  variable_list parameters_;
  Rows between_{};
  std::vector<int64_t> logits_shape_, scores_shape_;
  at::TensorOptions options_;
  variable_list results_;
  bool spent_ = false;
};

class PassFunction : public torch::autograd::Function<PassFunction> {
 public:
  static variable_list forward(AutogradContext* context, at::TensorList, const c10::intrusive_ptr<Pass>& pass) {
    context->set_materialize_grads(false);
    context->saved_data["pass"] = c10::IValue::make_capsule(pass);
    return pass->take_results();
  }
  static variable_list backward(AutogradContext* context, const variable_list& above) {
    auto& pass = static_cast<Pass&>(*context->saved_data["pass"].toCapsule());
    variable_list gradients = pass.backward(above);
    gradients.emplace_back();  // of the pass itself
    return gradients;
  }
};

/// Leaves, in order.
void append_leaves(const std::shared_ptr<torch::nn::Module>& module, CriticLayers::Chain& chain) {
  const auto children = module->children();
  if (children.empty()) chain.push_back(module);
  for (const auto& child : children) append_leaves(child, chain);
}

}  // namespace

CriticLayers::Chain chain_of(const std::vector<Block>& blocks) {
  CriticLayers::Chain chain;
  for (const Block& block : blocks) append_leaves(block.ptr(), chain);
  return chain;
}

std::optional<PenalizedScores> penalized_scores(const CriticLayers& layers, const at::Tensor& real, const at::Tensor& fake,
                                                const at::Tensor& between) {
  const at::ScalarType type = autocast_type(real.device().type()).value_or(real.scalar_type());
  auto trunk = Chain::of(layers.trunk, type), adversarial = Chain::of(layers.adversarial, type),
       attributes = Chain::of(layers.attributes, type);
  if (!trunk || !adversarial || !attributes || adversarial->has_norm() || attributes->has_norm()) return std::nullopt;
  const auto pass = c10::make_intrusive<Pass>(std::move(*trunk), std::move(*adversarial), std::move(*attributes), type);
  pass->forward(real, fake, between);
  const variable_list results = PassFunction::apply(at::TensorList(pass->parameters()), pass);
  return PenalizedScores{{results[0], results[2]}, results[1], results[3]};
}

}  // namespace secgan
