#include "secgan/nn/resnet.hpp"

#include <torch/torch.h>

#include <string>

#include "nn/parameter_budget.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {
namespace {

torch::nn::Conv2d conv(int64_t in, int64_t out, int64_t size, int64_t stride) {
  ParameterBudget::spend({in, out, size, size});
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, size).stride(stride).padding(size / 2).bias(false));
}

struct Convolution {
  int64_t out = 0;
  int64_t size = 0;
  int64_t stride = 1;
};

/// Convolutions with batch norm beside a shortcut, which is a 1x1 convolution where the shape changes.
class ResidualImpl : public torch::nn::Module {
 public:
  ResidualImpl(int64_t in, const std::vector<Convolution>& convolutions) {
    int64_t channels = in;
    int64_t stride = 1;
    for (const Convolution& c : convolutions) {
      const std::string number = std::to_string(convs_.size() + 1);
      convs_.emplace_back(register_module("conv" + number, conv(channels, c.out, c.size, c.stride)));
      norms_.emplace_back(register_module("bn" + number, torch::nn::BatchNorm2d(c.out)));
      channels = c.out;
      stride *= c.stride;
    }
    if (stride == 1 && in == channels) return;
    downsample_ = register_module("downsample", conv_block(in, channels, {1, stride, 0}, {Normalization::kBatch}));
  }

  at::Tensor forward(const at::Tensor& x) {
    at::Tensor z = x;
    for (size_t i = 0; i < convs_.size(); ++i) {
      z = norms_[i](convs_[i](z));
      if (i + 1 < convs_.size()) z.relu_();
    }
    return (z + (downsample_->is_empty() ? x : downsample_->forward(x))).relu_();
  }

 private:
  std::vector<torch::nn::Conv2d> convs_;
  std::vector<torch::nn::BatchNorm2d> norms_;
  Block downsample_;
};
TORCH_MODULE(Residual);

std::array<int64_t, 4> blocks_of(ResNetDepth depth) {
  if (depth == ResNetDepth::k18) return {2, 2, 2, 2};
  return {3, 4, 6, 3};
}

}  // namespace

ResNetImpl::ResNetImpl(const ResNetOptions& options)
    : options_(options), conv1_(register_module("conv1", conv(3, 64, 7, 2))), bn1_(register_module("bn1", torch::nn::BatchNorm2d(64))) {
  validate(options);
  const std::array<int64_t, 4> counts = blocks_of(options.depth);
  int64_t channels = 64;
  for (size_t stage = 0; stage < counts.size(); ++stage) {
    const int64_t width = int64_t{64} << stage;
    Block blocks;
    for (int64_t i = 0; i < counts[stage]; ++i) {
      const int64_t stride = i == 0 && stage > 0 ? 2 : 1;
      const std::vector<Convolution> convolutions = options.depth == ResNetDepth::k50
                                                        ? std::vector<Convolution>{{width, 1}, {width, 3, stride}, {4 * width, 1}}
                                                        : std::vector<Convolution>{{width, 3, stride}, {width, 3}};
      blocks->push_back(Residual(channels, convolutions));
      channels = convolutions.back().out;
    }
    stages_.emplace_back(register_module("layer" + std::to_string(stage + 1), blocks));
  }
  feature_count_ = channels;
  // The initialization that the original and torchvision train from.
  for (const auto& module : modules(/*include_self=*/false)) {
    if (auto* convolution = module->as<torch::nn::Conv2d>()) {
      torch::nn::init::kaiming_normal_(convolution->weight, 0, torch::kFanOut, torch::kReLU);
    }
  }
  if (options.classes == 0) return;
  ParameterBudget::spend({channels, options.classes});
  torch::nn::Linear classifier(channels, options.classes);
  for (at::Tensor& parameter : classifier->parameters()) parameter.requires_grad_(false);
  register_module("fc", classifier);
}

std::vector<at::Tensor> ResNetImpl::stages(const at::Tensor& image) {
  at::Tensor z = at::max_pool2d(bn1_(conv1_(image)).relu_(), {3, 3}, {2, 2}, {1, 1});
  std::vector<at::Tensor> features;
  for (auto& stage : stages_) features.push_back(z = stage->forward(z));
  return features;
}

at::Tensor ResNetImpl::features(const at::Tensor& image) {
  check_shape(image, "image", {kAny, 3, kAny, kAny}, "[N, 3, H, W]");
  return stages(image).back().mean({2, 3});
}

}  // namespace secgan
