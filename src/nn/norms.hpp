#pragma once
/// Norms that LibTorch lacks.

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/instancenorm.h>
#include <torch/nn/pimpl.h>

#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/nn/substitute.hpp"

namespace secgan {

/// LibTorch's, of any batch: its own fails at an empty one.
struct AffineInstanceNormImpl : public torch::nn::InstanceNorm2dImpl {
  AffineInstanceNormImpl(int64_t channels, double epsilon)
      : InstanceNorm2dImpl(torch::nn::InstanceNorm2dOptions(channels).affine(true).eps(epsilon)) {}
  at::Tensor forward(const at::Tensor& x);
};
TORCH_MODULE(AffineInstanceNorm);

/// Affine instance norm that owns running statistics. `torch::nn::InstanceNorm2d` uses them in eval mode with no way out.
class TrackedInstanceNormImpl : public torch::nn::Module, public TensorSlots {
 public:
  /// @param uses_running  in evaluation; false: they are kept, and never used
  TrackedInstanceNormImpl(int64_t channels, bool uses_running, double momentum, double epsilon);

  at::Tensor* slot(std::string_view name) override;
  /// @param x [N, C, H, W]
  at::Tensor forward(const at::Tensor& x);

  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& bias() const { return bias_; }
  double epsilon() const { return epsilon_; }
  /// Whether each image is normalized by its own statistics.
  bool is_instance_norm() const { return is_training() || !uses_running_; }
  /// What `forward` of some images does to the running statistics, where something else normalizes them; nothing in evaluation.
  /// @param mean, rstd [N, C] of each image, with epsilon   @param pixels  that they are of
  void track(const at::Tensor& mean, const at::Tensor& rstd, int64_t pixels);

 private:
  bool uses_running_;
  double momentum_;
  double epsilon_;
  at::Tensor weight_, bias_, mean_, variance_, tracked_;
};
TORCH_MODULE(TrackedInstanceNorm);

/// Switchable norm, with the public versions' constants and state: mean and variance are mixed of those of an image's channel, of an
/// image's channels and of a channel of the batch.
class SwitchNormImpl : public torch::nn::Module, public TensorSlots {
 public:
  enum class Of { kPictures, kFeatures };

  SwitchNormImpl(int64_t channels, Of of);

  at::Tensor* slot(std::string_view name) override;
  /// @param x [N, C, H, W] of pictures, [N, C] of features
  at::Tensor forward(const at::Tensor& x);

 private:
  using Statistics = std::pair<at::Tensor, at::Tensor>;

  at::Tensor of_pictures(const at::Tensor& x);
  at::Tensor of_features(const at::Tensor& x);
  Statistics batch_statistics(const std::function<Statistics()>& of_batch);
  at::Tensor mixed(const at::Tensor& x, const std::vector<Statistics>& statistics) const;

  Of of_;
  at::Tensor weight_, bias_, mean_weight_, variance_weight_, running_mean_, running_variance_;
};
TORCH_MODULE(SwitchNorm);

}  // namespace secgan
