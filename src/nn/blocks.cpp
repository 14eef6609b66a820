#include "secgan/nn/blocks.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "nn/parameter_budget.hpp"
#include "secgan/core/error.hpp"
#include "secgan/nn/substitute.hpp"

namespace secgan {
namespace {

at::Tensor* find_slot(std::initializer_list<std::pair<std::string_view, at::Tensor*>> slots, std::string_view name) {
  for (const auto& [known, tensor] : slots) {
    if (known == name) return tensor;
  }
  return nullptr;
}

/// Affine instance norm that owns running statistics. `torch::nn::InstanceNorm2d` uses them in eval mode with no way out.
class TrackedInstanceNormImpl : public torch::nn::Module, public TensorSlots {
 public:
  TrackedInstanceNormImpl(int64_t channels, const Epilogue& epilogue)
      : use_running_(epilogue.norm == Normalization::kRunningInstance), momentum_(epilogue.momentum), epsilon_(epilogue.epsilon) {
    weight_ = register_parameter("weight", torch::ones(channels));
    bias_ = register_parameter("bias", torch::zeros(channels));
    mean_ = register_buffer("running_mean", torch::zeros(channels));
    variance_ = register_buffer("running_var", torch::ones(channels));
    tracked_ = register_buffer("num_batches_tracked", torch::zeros({}, torch::kLong));  // in the public state, and always 0
  }
  at::Tensor* slot(std::string_view name) override {
    return find_slot(
        {{"weight", &weight_}, {"bias", &bias_}, {"running_mean", &mean_}, {"running_var", &variance_}, {"num_batches_tracked", &tracked_}},
        name);
  }
  at::Tensor forward(const at::Tensor& x) {
    if (is_training()) return at::instance_norm(x, weight_, bias_, mean_, variance_, true, momentum_, epsilon_, true);
    if (use_running_) return at::instance_norm(x, weight_, bias_, mean_, variance_, false, momentum_, epsilon_, true);
    return at::instance_norm(x, weight_, bias_, {}, {}, true, momentum_, epsilon_, true);
  }

 private:
  bool use_running_;
  double momentum_;
  double epsilon_;
  at::Tensor weight_, bias_, mean_, variance_, tracked_;
};
TORCH_MODULE(TrackedInstanceNorm);

/// Switchable norm of pictures (`kPictures`) or features, with the public versions' constants and state.
template <bool kPictures>
class SwitchNormImpl : public torch::nn::Module, public TensorSlots {
 public:
  explicit SwitchNormImpl(int64_t channels) {
    const std::vector<int64_t> affine = kPictures ? std::vector<int64_t>{1, channels, 1, 1} : std::vector<int64_t>{1, channels};
    const std::vector<int64_t> running = kPictures ? std::vector<int64_t>{1, channels, 1} : std::vector<int64_t>{1, channels};
    const int64_t kinds = kPictures ? 3 : 2;  // one feature has no instance statistics
    weight_ = register_parameter("weight", torch::ones(affine));
    bias_ = register_parameter("bias", torch::zeros(affine));
    mean_weight_ = register_parameter("mean_weight", torch::ones(kinds));
    variance_weight_ = register_parameter("var_weight", torch::ones(kinds));
    running_mean_ = register_buffer("running_mean", torch::zeros(running));
    running_variance_ = register_buffer("running_var", torch::zeros(running));
  }
  at::Tensor* slot(std::string_view name) override {
    return find_slot({{"weight", &weight_},
                      {"bias", &bias_},
                      {"mean_weight", &mean_weight_},
                      {"var_weight", &variance_weight_},
                      {"running_mean", &running_mean_},
                      {"running_var", &running_variance_}},
                     name);
  }

  at::Tensor forward(const at::Tensor& x) {
    if constexpr (kPictures) {
      const at::Tensor flat = x.flatten(2);
      const auto [variance, mean] = at::var_mean(flat, 2, /*unbiased=*/true, /*keepdim=*/true);
      // Of all channels (or photos) together: their own spread and that of their means.
      const at::Tensor square = variance + mean.square();
      const auto over = [&](int64_t dimension) {
        const at::Tensor m = mean.mean(dimension, /*keepdim=*/true);
        return std::pair(m, square.mean(dimension, /*keepdim=*/true) - m.square());
      };
      return mixed(flat, {std::pair(mean, variance), over(1), batch_statistics([&] { return over(0); })}).view_as(x) * weight_ + bias_;
    } else {
      const auto over = [&](int64_t dimension) {
        const auto [variance, mean] = at::var_mean(x, dimension, /*unbiased=*/true, /*keepdim=*/true);
        return std::pair(mean, variance);
      };
      return mixed(x, {over(1), batch_statistics([&] { return over(0); })}) * weight_ + bias_;
    }
  }

 private:
  using Statistics = std::pair<at::Tensor, at::Tensor>;
  static constexpr double kMomentum = 0.003;  // the public code's 0.997 is the share of the old
  static constexpr double kEpsilon = 1e-5;

  template <class OfBatch>
  Statistics batch_statistics(OfBatch&& of_batch) {
    if (!is_training()) return {running_mean_, running_variance_};
    const Statistics statistics = of_batch();
    const torch::NoGradGuard no_grad;
    running_mean_.lerp_(statistics.first.detach().to(running_mean_.scalar_type()), kMomentum);
    running_variance_.lerp_(statistics.second.detach().to(running_variance_.scalar_type()), kMomentum);
    return statistics;
  }

  at::Tensor mixed(const at::Tensor& x, const std::vector<Statistics>& statistics) const {
    const at::Tensor mean_share = mean_weight_.softmax(0), variance_share = variance_weight_.softmax(0);
    at::Tensor mean, variance;
    for (size_t i = 0; i < statistics.size(); ++i) {
      const auto place = static_cast<int64_t>(i);
      const at::Tensor m = mean_share[place] * statistics[i].first, v = variance_share[place] * statistics[i].second;
      mean = mean.defined() ? mean + m : m;
      variance = variance.defined() ? variance + v : v;
    }
    return (x - mean) / (variance + kEpsilon).sqrt();
  }

  at::Tensor weight_, bias_, mean_weight_, variance_weight_, running_mean_, running_variance_;
};

struct SwitchNorm2dImpl : SwitchNormImpl<true> {
  using SwitchNormImpl::SwitchNormImpl;
};
struct SwitchNorm1dImpl : SwitchNormImpl<false> {
  using SwitchNormImpl::SwitchNormImpl;
};
TORCH_MODULE(SwitchNorm2d);
TORCH_MODULE(SwitchNorm1d);

void append_activation(Block& block, const Epilogue& epilogue);

void append_epilogue(Block& block, int64_t channels, const Epilogue& epilogue) {
  switch (epilogue.norm) {
    case Normalization::kNone: break;
    case Normalization::kSwitchable: block->push_back(SwitchNorm2d(channels)); break;
    case Normalization::kBatch:
      block->push_back(torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(channels).eps(epilogue.epsilon).momentum(epilogue.momentum)));
      break;
    case Normalization::kInstance:
      block->push_back(torch::nn::InstanceNorm2d(torch::nn::InstanceNorm2dOptions(channels).affine(true).eps(epilogue.epsilon)));
      break;
    case Normalization::kTrackedInstance:
    case Normalization::kRunningInstance: block->push_back(TrackedInstanceNorm(channels, epilogue)); break;
  }
  append_activation(block, epilogue);
}

void append_activation(Block& block, const Epilogue& epilogue) {
  switch (epilogue.activation) {
    case Activation::kNone: break;
    case Activation::kRelu: block->push_back(torch::nn::ReLU()); break;
    case Activation::kLeakyRelu:
      block->push_back(torch::nn::LeakyReLU(torch::nn::LeakyReLUOptions().negative_slope(epilogue.slope)));
      break;
    case Activation::kSigmoid: block->push_back(torch::nn::Sigmoid()); break;
    case Activation::kTanh: block->push_back(torch::nn::Tanh()); break;
  }
}

void append_conv(Block& block, int64_t in, int64_t out, const Kernel& kernel, const Epilogue& epilogue) {
  ParameterBudget::spend({in, out, kernel.size, kernel.size});
  block->push_back(torch::nn::Conv2d(
      torch::nn::Conv2dOptions(in, out, kernel.size).stride(kernel.stride).padding(kernel.padding).bias(epilogue.has_bias())));
  append_epilogue(block, out, epilogue);
}

}  // namespace

Block conv_block(int64_t in, int64_t out, Kernel kernel, Epilogue epilogue) {
  Block block;
  append_conv(block, in, out, kernel, epilogue);
  return block;
}

Block upsampling_block(int64_t in, int64_t out, Upsampling upsampling, Epilogue epilogue) {
  Block block;
  if (upsampling == Upsampling::kTransposed) {
    ParameterBudget::spend({in, out, 4, 4});
    block->push_back(
        torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(in, out, 4).stride(2).padding(1).bias(epilogue.has_bias())));
    append_epilogue(block, out, epilogue);
    return block;
  }
  if (upsampling == Upsampling::kSubpixel) {
    ParameterBudget::spend({in, 4, out, 3, 3});
    torch::nn::Conv2d conv(torch::nn::Conv2dOptions(in, 4 * out, 3).padding(1).bias(epilogue.has_bias()));
    {
      // The four positions of a pixel begin with the same weights, which leaves no checkerboard to unlearn (ICNR).
      const torch::NoGradGuard no_grad;
      for (at::Tensor& parameter : conv->parameters()) {
        const at::Tensor first = parameter.unflatten(0, {out, 4}).slice(1, 0, 1);
        parameter.copy_(first.expand_as(parameter.unflatten(0, {out, 4})).flatten(0, 1).clone());
      }
    }
    block->push_back(conv);
    block->push_back(torch::nn::PixelShuffle(torch::nn::PixelShuffleOptions(2)));
    append_epilogue(block, out, epilogue);
    return block;
  }
  torch::nn::UpsampleOptions options;
  options.scale_factor(std::vector<double>{2.0, 2.0});
  if (upsampling == Upsampling::kNearest) {
    options.mode(torch::kNearest);
  } else {
    options.mode(torch::kBilinear).align_corners(false);
  }
  block->push_back(torch::nn::Upsample(options));
  append_conv(block, in, out, {3, 1, 1}, epilogue);
  return block;
}

Block linear_block(int64_t in, int64_t out, Epilogue epilogue) {
  ParameterBudget::spend({in, out});
  Block block;
  block->push_back(torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(epilogue.has_bias())));
  switch (epilogue.norm) {
    case Normalization::kNone: break;
    case Normalization::kBatch:
      block->push_back(torch::nn::BatchNorm1d(torch::nn::BatchNorm1dOptions(out).eps(epilogue.epsilon).momentum(epilogue.momentum)));
      break;
    case Normalization::kSwitchable: block->push_back(SwitchNorm1d(out)); break;
    default: throw InvalidArgument("fc_norm_fn must be none, batchnorm or switchnorm: a single feature has no instance statistics");
  }
  append_activation(block, epilogue);
  return block;
}

void append_parts(Block& block, const Block& parts) {
  for (const auto& part : *parts) block->push_back(part);
}

at::Tensor run_blocks(std::vector<Block>& blocks, at::Tensor z) {
  for (auto& block : blocks) z = block->forward(z);
  return z;
}

void register_blocks(torch::nn::Module& owner, const std::string& name, const std::vector<Block>& blocks) {
  torch::nn::ModuleList list;
  for (const auto& block : blocks) list->push_back(block);
  owner.register_module(name, list);
}

int64_t doubled_width(int64_t base, int64_t doublings, int64_t cap) {
  const int64_t width = base << doublings;
  return cap > 0 ? std::min(width, cap) : width;
}

void initialize_glorot(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (auto& item : module.named_parameters()) {
    if (item.value().dim() >= 2) {
      torch::nn::init::xavier_uniform_(item.value());
    } else if (item.key().ends_with("bias")) {
      item.value().zero_();
    }
  }
}

at::Tensor append_attributes(const at::Tensor& features, const at::Tensor& attributes) {
  const at::Tensor tiled =
      attributes.to(features.dtype()).unsqueeze(-1).unsqueeze(-1).expand_symint({-1, -1, features.sym_size(2), features.sym_size(3)});
  return at::cat({features, tiled}, 1);
}

int64_t parameter_count(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const at::Tensor& parameter : module.parameters()) count += parameter.numel();
  return count;
}

}  // namespace secgan
