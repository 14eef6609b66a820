#include "secgan/models/stargan.hpp"

#include <torch/torch.h>

#include "core/rules.hpp"

namespace secgan {
namespace {

class ResidualBlockImpl : public torch::nn::Module {
 public:
  ResidualBlockImpl(int64_t channels, Normalization norm) {
    main_ = conv_block(channels, channels, {3, 1, 1}, {norm, Activation::kRelu});
    append(main_, conv_block(channels, channels, {3, 1, 1}, {norm}));
    register_module("main", main_);
  }
  at::Tensor forward(const at::Tensor& x) { return x + main_->forward(x); }

 private:
  Block main_;
};
TORCH_MODULE(ResidualBlock);

}  // namespace

void StarGanGeneratorOptions::validate(int64_t image_size) const {
  require_positive("conv_dim", conv_dim);
  require_not_negative("repeat_num", repeat_num);
  require_multiple(image_size, 2);
}

void StarGanDiscriminatorOptions::validate(int64_t image_size) const {
  require_positive("conv_dim", conv_dim);
  require_layers("repeat_num", repeat_num);
  require_not_negative("max_dim", max_dim);
  require_multiple(image_size, repeat_num);
}

StarGanGeneratorImpl::StarGanGeneratorImpl(const GeneratorOptions& options) : GeneratorImpl(options) {
  add_feature(options.image_channels, options.image_size);
  const auto& o = options.stargan;
  const Epilogue relu{o.norm_fn, Activation::kRelu};
  const Kernel same{7, 1, 3};
  int64_t width = o.conv_dim;
  main_ = conv_block(options.image_channels + options.attributes, width, same, relu);
  for (int i = 0; i < 2; ++i, width *= 2) append(main_, conv_block(width, 2 * width, {}, relu));
  for (int64_t i = 0; i < o.repeat_num; ++i) main_->push_back(ResidualBlock(width, o.norm_fn));
  for (int i = 0; i < 2; ++i, width /= 2) append(main_, upsampling_block(width, width / 2, o.upsampling, relu));
  append(main_, conv_block(width, options.image_channels, same, {.bias = false}));
  register_module("main", main_);
}

at::Tensor StarGanGeneratorImpl::decode_features(const std::vector<at::Tensor>& features, const at::Tensor& attributes) {
  return main_->forward(append_attributes(features.back(), attributes));
}

StarGanDiscriminatorImpl::StarGanDiscriminatorImpl(const DiscriminatorOptions& options) : DiscriminatorImpl(options) {
  const auto& o = options.stargan;
  int64_t channels = options.image_channels;
  for (int64_t i = 0; i < o.repeat_num; ++i) {
    const int64_t out = doubled_width(o.conv_dim, i, o.max_dim);
    append(main_, conv_block(channels, out, {}, {.activation = Activation::kLeakyRelu, .slope = o.slope}));
    channels = out;
  }
  const int64_t side = options.image_size >> o.repeat_num;
  patches_ = torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, 1, 3).padding(1).bias(false));
  attributes_ = torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, options.attributes, side).bias(false));
  register_module("main", main_);
  register_module("conv1", patches_);
  register_module("conv2", attributes_);
}

Scores StarGanDiscriminatorImpl::score(const at::Tensor& image) {
  const at::Tensor features = main_->forward(image);
  return {patches_->forward(features), attributes_->forward(features).flatten(1)};
}

}  // namespace secgan
