#include "nn/norms.hpp"

#include <torch/torch.h>

namespace secgan {
namespace {

at::Tensor* find_slot(std::initializer_list<std::pair<std::string_view, at::Tensor*>> slots, std::string_view name) {
  for (const auto& [known, tensor] : slots) {
    if (known == name) return tensor;
  }
  return nullptr;
}

/// A symbolic size stands for any batch that is none.
bool is_empty(const at::Tensor& x) { return !x.unsafeGetTensorImpl()->has_symbolic_sizes_strides() && x.numel() == 0; }

constexpr double kSwitchMomentum = 0.003;  // the public code's 0.997 is the share of the old
constexpr double kSwitchEpsilon = 1e-5;

}  // namespace

at::Tensor AffineInstanceNormImpl::forward(const at::Tensor& x) { return is_empty(x) ? x : InstanceNorm2dImpl::forward(x); }

TrackedInstanceNormImpl::TrackedInstanceNormImpl(int64_t channels, bool uses_running, double momentum, double epsilon)
    : uses_running_(uses_running), momentum_(momentum), epsilon_(epsilon) {
  weight_ = register_parameter("weight", torch::ones(channels));
  bias_ = register_parameter("bias", torch::zeros(channels));
  mean_ = register_buffer("running_mean", torch::zeros(channels));
  variance_ = register_buffer("running_var", torch::ones(channels));
  tracked_ = register_buffer("num_batches_tracked", torch::zeros({}, torch::kLong));  // in the public state, and always 0
}

at::Tensor* TrackedInstanceNormImpl::slot(std::string_view name) {
  return find_slot(
      {{"weight", &weight_}, {"bias", &bias_}, {"running_mean", &mean_}, {"running_var", &variance_}, {"num_batches_tracked", &tracked_}},
      name);
}

at::Tensor TrackedInstanceNormImpl::forward(const at::Tensor& x) {
  if (is_empty(x)) return x;
  if (is_training()) return at::instance_norm(x, weight_, bias_, mean_, variance_, true, momentum_, epsilon_, true);
  if (uses_running_) return at::instance_norm(x, weight_, bias_, mean_, variance_, false, momentum_, epsilon_, true);
  return at::instance_norm(x, weight_, bias_, {}, {}, true, momentum_, epsilon_, true);
}

void TrackedInstanceNormImpl::track(const at::Tensor& mean, const at::Tensor& rstd, int64_t pixels) {
  if (!is_training()) return;
  const torch::NoGradGuard no_grad;
  const double unbiased = static_cast<double>(pixels) / static_cast<double>(pixels - 1);
  const auto towards = [&](const at::Tensor& running, const at::Tensor& of_batch) {
    running.lerp_(of_batch.mean(0).to(running.scalar_type()), momentum_);
  };
  towards(mean_, mean);
  towards(variance_, rstd.square().reciprocal().sub(epsilon_).mul(unbiased));
}

SwitchNormImpl::SwitchNormImpl(int64_t channels, Of of) : of_(of) {
  const bool pictures = of == Of::kPictures;
  const std::vector<int64_t> affine = pictures ? std::vector<int64_t>{1, channels, 1, 1} : std::vector<int64_t>{1, channels};
  const std::vector<int64_t> running = pictures ? std::vector<int64_t>{1, channels, 1} : std::vector<int64_t>{1, channels};
  const int64_t kinds = pictures ? 3 : 2;  // one feature has no instance statistics
  weight_ = register_parameter("weight", torch::ones(affine));
  bias_ = register_parameter("bias", torch::zeros(affine));
  mean_weight_ = register_parameter("mean_weight", torch::ones(kinds));
  variance_weight_ = register_parameter("var_weight", torch::ones(kinds));
  running_mean_ = register_buffer("running_mean", torch::zeros(running));
  running_variance_ = register_buffer("running_var", torch::zeros(running));
}

at::Tensor* SwitchNormImpl::slot(std::string_view name) {
  return find_slot({{"weight", &weight_},
                    {"bias", &bias_},
                    {"mean_weight", &mean_weight_},
                    {"var_weight", &variance_weight_},
                    {"running_mean", &running_mean_},
                    {"running_var", &running_variance_}},
                   name);
}

at::Tensor SwitchNormImpl::forward(const at::Tensor& x) { return of_ == Of::kPictures ? of_pictures(x) : of_features(x); }

at::Tensor SwitchNormImpl::of_pictures(const at::Tensor& x) {
  const at::Tensor flat = x.flatten(2);
  const auto [variance, mean] = at::var_mean(flat, 2, /*unbiased=*/true, /*keepdim=*/true);
  // Of all channels (or photos) together: their own spread and that of their means.
  const at::Tensor square = variance + mean.square();
  const auto over = [&, mean = mean](int64_t dimension) {
    const at::Tensor m = mean.mean(dimension, /*keepdim=*/true);
    return Statistics(m, square.mean(dimension, /*keepdim=*/true) - m.square());
  };
  return mixed(flat, {Statistics(mean, variance), over(1), batch_statistics([&] { return over(0); })}).view_as(x) * weight_ + bias_;
}

at::Tensor SwitchNormImpl::of_features(const at::Tensor& x) {
  const auto over = [&](int64_t dimension) {
    const auto [variance, mean] = at::var_mean(x, dimension, /*unbiased=*/true, /*keepdim=*/true);
    return Statistics(mean, variance);
  };
  return mixed(x, {over(1), batch_statistics([&] { return over(0); })}) * weight_ + bias_;
}

SwitchNormImpl::Statistics SwitchNormImpl::batch_statistics(const std::function<Statistics()>& of_batch) {
  if (!is_training()) return {running_mean_, running_variance_};
  Statistics statistics = of_batch();
  const torch::NoGradGuard no_grad;
  running_mean_.lerp_(statistics.first.detach().to(running_mean_.scalar_type()), kSwitchMomentum);
  running_variance_.lerp_(statistics.second.detach().to(running_variance_.scalar_type()), kSwitchMomentum);
  return statistics;
}

at::Tensor SwitchNormImpl::mixed(const at::Tensor& x, const std::vector<Statistics>& statistics) const {
  const at::Tensor mean_share = mean_weight_.softmax(0), variance_share = variance_weight_.softmax(0);
  at::Tensor mean, variance;
  for (size_t i = 0; i < statistics.size(); ++i) {
    const auto place = static_cast<int64_t>(i);
    const at::Tensor m = mean_share[place] * statistics[i].first, v = variance_share[place] * statistics[i].second;
    mean = mean.defined() ? mean + m : m;
    variance = variance.defined() ? variance + v : v;
  }
  return (x - mean) / (variance + kSwitchEpsilon).sqrt();
}

}  // namespace secgan
