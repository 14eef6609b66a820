#include "secgan/parsing/bisenet.hpp"

#include <torch/torch.h>

#include <array>
#include <utility>

#include "core/format.hpp"
#include "nn/parameter_budget.hpp"
#include "secgan/core/error.hpp"
#include "secgan/nn/resnet.hpp"

namespace secgan {
namespace bisenet {
namespace {

at::Tensor global_average(const at::Tensor& x) { return x.mean({2, 3}, /*keepdim=*/true); }

at::Tensor nearest(const at::Tensor& x, const at::Tensor& like) {
  return at::upsample_nearest2d_symint(x, {like.sym_size(2), like.sym_size(3)});
}

torch::nn::Conv2d conv1x1(int64_t in, int64_t out) {
  ParameterBudget::spend({in, out});
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 1).bias(false));
}

}  // namespace

// NOLINTBEGIN(misc-use-internal-linkage): FeaturePyramid, which the header names, holds them
class ConvNormReluImpl : public torch::nn::Module {
 public:
  ConvNormReluImpl(int64_t in, int64_t out, int64_t size)
      : conv_(register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, size).padding(size / 2).bias(false)))),
        norm_(register_module("norm", torch::nn::BatchNorm2d(out))) {}
  at::Tensor forward(const at::Tensor& x) { return norm_(conv_(x)).relu_(); }

 private:
  torch::nn::Conv2d conv_;
  torch::nn::BatchNorm2d norm_;
};
TORCH_MODULE(ConvNormRelu);

/// Weighs every channel by how much the whole photo asks for it.
class AttentionRefinementImpl : public torch::nn::Module {
 public:
  AttentionRefinementImpl(int64_t in, int64_t out)
      : conv_block_(register_module("conv_block", ConvNormRelu(in, out, 3))),
        attention_(register_module("attention", conv_block(out, out, {1, 1, 0}, {Normalization::kBatch, Activation::kSigmoid}))) {}
  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor z = conv_block_(x);
    return z * attention_->forward(global_average(z));
  }

 private:
  ConvNormRelu conv_block_;
  Block attention_;
};
TORCH_MODULE(AttentionRefinement);
// NOLINTEND(misc-use-internal-linkage)

/// Context: the coarse stages, refined from the whole photo downwards. The ResNet's 1/8 stage stands in for the
/// paper's spatial path.
class FeaturePyramid : public torch::nn::Module {
 public:
  explicit FeaturePyramid(ResNetDepth depth)
      : backbone_(register_module("backbone", ResNet(ResNetOptions{.depth = depth, .classes = 1000}))),
        arm16_(register_module("arm16", AttentionRefinement(256, 128))),
        arm32_(register_module("arm32", AttentionRefinement(512, 128))),
        conv_head32_(register_module("conv_head32", ConvNormRelu(128, 128, 3))),
        conv_head16_(register_module("conv_head16", ConvNormRelu(128, 128, 3))),
        conv_avg_(register_module("conv_avg", ConvNormRelu(512, 128, 1))) {}

  struct Maps {
    at::Tensor spatial;    ///< [N, 128, H/8, W/8] of the ResNet
    at::Tensor context8;   ///< [N, 128, H/8, W/8]
    at::Tensor context16;  ///< [N, 128, H/16, W/16]
  };
  Maps forward(const at::Tensor& photo) {
    const std::vector<at::Tensor> stages = backbone_->stages(photo);
    const at::Tensor &at8 = stages[1], &at16 = stages[2], &at32 = stages[3];
    const at::Tensor whole = conv_avg_(global_average(at32));
    const at::Tensor context16 = conv_head32_(nearest(arm32_(at32) + whole, at16));
    const at::Tensor context8 = conv_head16_(nearest(arm16_(at16) + context16, at8));
    return {at8, context8, context16};
  }

 private:
  ResNet backbone_;
  AttentionRefinement arm16_;
  AttentionRefinement arm32_;
  ConvNormRelu conv_head32_;
  ConvNormRelu conv_head16_;
  ConvNormRelu conv_avg_;
};

/// Joins the ResNet's fine features and the context, then adds what channel attention stresses.
class FeatureFusion : public torch::nn::Module {
 public:
  FeatureFusion()
      : conv_block_(register_module("conv_block", ConvNormRelu(256, 256, 1))),
        conv1_(register_module("conv1", conv1x1(256, 64))),
        conv2_(register_module("conv2", conv1x1(64, 256))) {}
  at::Tensor forward(const at::Tensor& spatial, const at::Tensor& context) {
    const at::Tensor z = conv_block_(at::cat({spatial, context}, 1));
    return z * conv2_(conv1_(global_average(z)).relu_()).sigmoid() + z;
  }

 private:
  ConvNormRelu conv_block_;
  torch::nn::Conv2d conv1_;
  torch::nn::Conv2d conv2_;
};

class Head : public torch::nn::Module {
 public:
  Head(int64_t in, int64_t hidden, int64_t classes)
      : conv_block_(register_module("conv_block", ConvNormRelu(in, hidden, 3))), conv_(register_module("conv", conv1x1(hidden, classes))) {}
  at::Tensor forward(const at::Tensor& x, const at::Tensor& photo) {
    return at::upsample_bilinear2d_symint(conv_(conv_block_(x)), {photo.sym_size(2), photo.sym_size(3)}, /*align_corners=*/true);
  }

 private:
  ConvNormRelu conv_block_;
  torch::nn::Conv2d conv_;
};

}  // namespace bisenet

BisenetImpl::BisenetImpl(const ParserConfig& config) : ParserImpl(config) {
  using namespace bisenet;
  const bool deep = config.options.network == ParserNetwork::kBisenetResnet34;
  pyramid_ = register_module("fpn", std::make_shared<FeaturePyramid>(deep ? ResNetDepth::k34 : ResNetDepth::k18));
  fusion_ = register_module("ffm", std::make_shared<FeatureFusion>());
  heads_ = {register_module("conv_out", std::make_shared<Head>(256, 256, config.classes)),
            register_module("conv_out16", std::make_shared<Head>(128, 64, config.classes)),
            register_module("conv_out32", std::make_shared<Head>(128, 64, config.classes))};
}

std::vector<at::Tensor> BisenetImpl::run(const at::Tensor& photo, bool main_only) {
  if (is_training() && photo.size(0) < 2) {
    throw InvalidArgument(fmt::format("photo must be a batch of at least 2 to train BiSeNet, found {}", photo.size(0)));
  }
  const auto [spatial, context8, context16] = pyramid_->forward(photo);
  std::vector<at::Tensor> logits{heads_[0]->forward(fusion_->forward(spatial, context8), photo)};
  if (main_only) return logits;
  // "16" and "32" in the public names say which head convolution made the map, not its scale.
  logits.push_back(heads_[1]->forward(context8, photo));
  logits.push_back(heads_[2]->forward(context16, photo));
  return logits;
}

std::string bisenet_name_from_zllrunning(std::string_view name) {
  // Applied in this order; a pattern that starts with a dot cannot match the head of a name.
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kRenamings{{
      {"cp.resnet.", "fpn.backbone."},
      {"cp.", "fpn."},
      {".convblk.", ".conv_block."},
      {".conv.conv.", ".conv_block.conv."},
      {".conv.bn.", ".conv_block.norm."},
      {".conv_out.", ".conv."},
      {".conv_atten.", ".attention.0."},
      {".bn_atten.", ".attention.1."},
      {".bn.", ".norm."},
  }};
  std::string renamed(name);
  for (const auto& [theirs, ours] : kRenamings) {
    const size_t place = renamed.find(theirs);
    if (place != std::string::npos) renamed.replace(place, theirs.size(), ours);
  }
  return renamed;
}

}  // namespace secgan
