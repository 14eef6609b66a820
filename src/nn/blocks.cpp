#include "secgan/nn/blocks.hpp"

#include <torch/torch.h>

namespace secgan {
namespace {

void append_epilogue(Block& block, int64_t channels, const Epilogue& epilogue) {
  switch (epilogue.norm) {
    case Normalization::kNone: break;
    case Normalization::kBatch: block->push_back(torch::nn::BatchNorm2d(channels)); break;
    case Normalization::kInstance:
      block->push_back(torch::nn::InstanceNorm2d(torch::nn::InstanceNorm2dOptions(channels).affine(true)));
      break;
  }
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

void append_conv(Block& block, int64_t in, int64_t out, const Kernel& kernel,
                 const Epilogue& epilogue) {
  block->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel.size)
                                         .stride(kernel.stride)
                                         .padding(kernel.padding)
                                         .bias(epilogue.norm == Normalization::kNone)));
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
    block->push_back(torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(in, out, 4)
                                                    .stride(2)
                                                    .padding(1)
                                                    .bias(epilogue.norm == Normalization::kNone)));
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

Block linear_block(int64_t in, int64_t out, Activation activation, double slope) {
  Block block;
  block->push_back(torch::nn::Linear(in, out));
  append_epilogue(block, out, {Normalization::kNone, activation, slope});
  return block;
}

at::Tensor append_attributes(const at::Tensor& features, const at::Tensor& attributes) {
  const at::Tensor tiled = attributes.to(features.dtype())
                               .unsqueeze(-1)
                               .unsqueeze(-1)
                               .expand({-1, -1, features.size(2), features.size(3)});
  return at::cat({features, tiled}, 1);
}

int64_t parameter_count(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const at::Tensor& parameter : module.parameters()) count += parameter.numel();
  return count;
}

}  // namespace secgan
