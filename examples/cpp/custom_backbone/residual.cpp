#include "residual.hpp"

#include <torch/torch.h>

#include <secgan/nn/blocks.hpp>

namespace {

using secgan::Activation;
using secgan::Block;
using secgan::NetworkSpec;
using secgan::Normalization;

class ResidualGenerator final : public secgan::GeneratorImpl {
 public:
  using Options = ResidualGeneratorOptions;

  ResidualGenerator(const NetworkSpec& spec, const Options& options) : GeneratorImpl(spec, options) {
    add_feature(spec.image_channels, spec.image_size);
    const secgan::Epilogue relu{Normalization::kInstance, Activation::kRelu};
    in_ = register_module("in", secgan::conv_block(spec.image_channels + spec.attributes, options.width, {3, 1, 1}, relu));
    for (int64_t i = 0; i < options.blocks; ++i) {
      blocks_.push_back(register_module("block" + std::to_string(i), secgan::conv_block(options.width, options.width, {3, 1, 1}, relu)));
    }
    out_ = register_module("out", secgan::conv_block(options.width, spec.image_channels, {3, 1, 1}, {}));
  }

 private:
  // The photo itself: this network has no halves.
  std::vector<at::Tensor> encode_image(const at::Tensor& image) override { return {image}; }
  at::Tensor decode_features(const std::vector<at::Tensor>& features, const at::Tensor& attributes) override {
    at::Tensor z = in_->forward(secgan::append_attributes(features[0], attributes));
    for (Block& block : blocks_) z = z + block->forward(z);
    return features[0] + out_->forward(z);
  }

  Block in_, out_;
  std::vector<Block> blocks_;
};

class ResidualDiscriminator final : public secgan::DiscriminatorImpl {
 public:
  using Options = ResidualDiscriminatorOptions;

  ResidualDiscriminator(const NetworkSpec& spec, const Options& options) : DiscriminatorImpl(spec, options) {
    int64_t channels = spec.image_channels;
    for (int64_t width = options.width, side = spec.image_size; side > 4; width *= 2, side /= 2) {
      body_->push_back(secgan::conv_block(channels, width, {}, {.activation = Activation::kLeakyRelu, .slope = 0.2}));
      channels = width;
    }
    register_module("body", body_);
    head_ = register_module("head", secgan::linear_block(channels * 4 * 4, 1 + spec.attributes, {}));
  }

 private:
  secgan::Scores score(const at::Tensor& image) override {
    const at::Tensor scores = head_->forward(body_->forward(image).flatten(1));
    return {scores.narrow(1, 0, 1), scores.narrow(1, 1, scores.size(1) - 1)};
  }

  Block body_, head_;
};

}  // namespace

void ResidualDiscriminatorOptions::check(const NetworkSpec& spec) const {
  for (int64_t side = spec.image_size; side != 4; side /= 2) {
    if (side < 4 || side % 2 != 0) {
      throw secgan::InvalidArgument("image_size " + std::to_string(spec.image_size) + " is not 4 times a power of two");
    }
  }
}

bool ResidualGeneratorOptions::recognize(const secgan::StateShapes& state, NetworkSpec& spec, ResidualGeneratorOptions& options) {
  if (!state.has("in.0.weight") || !state.has("out.0.weight")) return false;
  options.width = state.extent("in.0.weight", 0);
  options.blocks = state.count("block{}.0.weight");
  spec.image_channels = state.extent("out.0.weight", 0);
  spec.attributes = state.extent("in.0.weight", 1) - spec.image_channels;
  return true;
}

secgan::Backbone residual_backbone() { return secgan::make_backbone<ResidualGenerator, ResidualDiscriminator>("residual"); }
