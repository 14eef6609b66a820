#include "secgan/nn/resnet.hpp"

#include <torch/torch.h>

#include <string>

namespace secgan {
namespace {

torch::nn::Conv2d conv(int64_t in, int64_t out, int64_t size, int64_t stride) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(in, out, size).stride(stride).padding(size / 2).bias(false));
}

/// Two 3x3 convolutions beside a shortcut, which is a 1x1 convolution where the shape changes.
class BasicBlockImpl : public torch::nn::Module {
 public:
  BasicBlockImpl(int64_t in, int64_t out, int64_t stride)
      : conv1_(register_module("conv1", conv(in, out, 3, stride))),
        bn1_(register_module("bn1", torch::nn::BatchNorm2d(out))),
        conv2_(register_module("conv2", conv(out, out, 3, 1))),
        bn2_(register_module("bn2", torch::nn::BatchNorm2d(out))) {
    if (stride == 1 && in == out) return;
    downsample_ = register_module("downsample", conv_block(in, out, {1, stride, 0}, {Normalization::kBatch}));
  }

  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor z = bn2_(conv2_(bn1_(conv1_(x)).relu_()));
    return (z + (downsample_->is_empty() ? x : downsample_->forward(x))).relu_();
  }

 private:
  torch::nn::Conv2d conv1_;
  torch::nn::BatchNorm2d bn1_;
  torch::nn::Conv2d conv2_;
  torch::nn::BatchNorm2d bn2_;
  Block downsample_;
};
TORCH_MODULE(BasicBlock);

}  // namespace

ResNetImpl::ResNetImpl(const ResNetDepth& depth)
    : conv1_(register_module("conv1", conv(3, 64, 7, 2))), bn1_(register_module("bn1", torch::nn::BatchNorm2d(64))) {
  int64_t channels = 64;
  for (size_t stage = 0; stage < depth.size(); ++stage) {
    const int64_t out = int64_t{64} << stage;
    Block blocks;
    for (int64_t i = 0; i < depth[stage]; ++i) {
      blocks->push_back(BasicBlock(channels, out, i == 0 && stage > 0 ? 2 : 1));
      channels = out;
    }
    stages_.push_back(register_module("layer" + std::to_string(stage + 1), blocks));
  }
  // The initialisation that the original and torchvision train from.
  for (const auto& module : modules(/*include_self=*/false)) {
    if (auto* convolution = module->as<torch::nn::Conv2d>()) {
      torch::nn::init::kaiming_normal_(convolution->weight, 0, torch::kFanOut, torch::kReLU);
    }
  }
  torch::nn::Linear classifier(channels, 1000);
  for (at::Tensor& parameter : classifier->parameters()) parameter.requires_grad_(false);
  register_module("fc", classifier);
}

std::vector<at::Tensor> ResNetImpl::stages(const at::Tensor& image) {
  at::Tensor z = at::max_pool2d(bn1_(conv1_(image)).relu_(), {3, 3}, {2, 2}, {1, 1});
  std::vector<at::Tensor> features;
  for (auto& stage : stages_) features.push_back(z = stage->forward(z));
  return features;
}

}  // namespace secgan
