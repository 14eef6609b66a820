#include "secgan/nn/blocks.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "nn/norms.hpp"
#include "nn/parameter_budget.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

void append_activation(Block& block, const Epilogue& epilogue);

void append_epilogue(Block& block, int64_t channels, const Epilogue& epilogue) {
  switch (epilogue.norm) {
    case Normalization::kNone: break;
    case Normalization::kSwitchable: block->push_back(SwitchNorm(channels, SwitchNormImpl::Of::kPictures)); break;
    case Normalization::kBatch:
      block->push_back(torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(channels).eps(epilogue.epsilon).momentum(epilogue.momentum)));
      break;
    case Normalization::kInstance: block->push_back(AffineInstanceNorm(channels, epilogue.epsilon)); break;
    case Normalization::kTrackedInstance:
    case Normalization::kRunningInstance:
      block->push_back(
          TrackedInstanceNorm(channels, epilogue.norm == Normalization::kRunningInstance, epilogue.momentum, epilogue.epsilon));
      break;
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
    case Normalization::kSwitchable: block->push_back(SwitchNorm(out, SwitchNormImpl::Of::kFeatures)); break;
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
