#include "secgan/parsing/unet.hpp"

#include <torch/torch.h>

#include "secgan/nn/blocks.hpp"

namespace secgan {
namespace {

/// Two 3x3 convolutions; the first one may halve the side.
Block double_conv(int64_t in, int64_t out, int64_t stride) {
  const Epilogue epilogue{Normalization::kBatch, Activation::kRelu};
  Block block;
  block->push_back(conv_block(in, out, {3, stride, 1}, epilogue));
  block->push_back(conv_block(out, out, {3, 1, 1}, epilogue));
  return block;
}

}  // namespace

UnetImpl::UnetImpl(const ParserConfig& config) : ParserImpl(config) {
  const auto& o = config.options.unet;
  int64_t channels = 3;
  for (int64_t level = 0; level < o.levels; ++level) {
    down_.push_back(double_conv(channels, o.dim << level, level == 0 ? 1 : 2));
    channels = o.dim << level;
  }
  for (int64_t level = o.levels - 2; level >= 0; --level) {
    up_.push_back(double_conv(channels + (o.dim << level), o.dim << level, 1));
    channels = o.dim << level;
  }
  head_ = conv_block(channels, config.classes, {1, 1, 0}, {});
  register_blocks(*this, "down", down_);
  register_blocks(*this, "up", up_);
  register_module("head", head_);
}

std::vector<at::Tensor> UnetImpl::run(const at::Tensor& photo, bool /*main_only*/) {
  std::vector<at::Tensor> features;
  at::Tensor z = photo;
  for (auto& block : down_) features.push_back(z = block->forward(z));
  for (size_t i = 0; i < up_.size(); ++i) {
    const at::Tensor& skip = features[features.size() - 2 - i];
    z = at::upsample_nearest2d_symint(z, {skip.sym_size(2), skip.sym_size(3)});
    z = up_[i]->forward(at::cat({z, skip}, 1));
  }
  return {head_->forward(z)};
}

}  // namespace secgan
