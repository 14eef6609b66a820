#include "secgan/models/stargan.hpp"

#include <torch/torch.h>

#include "core/rules.hpp"
#include "models/builtin.hpp"
#include "nn/critic.hpp"
#include "nn/parameter_budget.hpp"
#include "secgan/models/backbone.hpp"

namespace secgan {
namespace {

class ResidualBlockImpl : public torch::nn::Module {
 public:
  ResidualBlockImpl(int64_t channels, Normalization norm) {
    main_ = conv_block(channels, channels, {3, 1, 1}, {norm, Activation::kRelu});
    append_parts(main_, conv_block(channels, channels, {3, 1, 1}, {norm}));
    register_module("main", main_);
  }
  at::Tensor forward(const at::Tensor& x) { return x + main_->forward(x); }

 private:
  Block main_;
};
TORCH_MODULE(ResidualBlock);

}  // namespace

void StarGanGeneratorOptions::check(const NetworkSpec& spec) { require_multiple(spec.image_size, 2); }

void StarGanDiscriminatorOptions::check(const NetworkSpec& spec) const { require_multiple(spec.image_size, repeat_num); }

StarGanGeneratorOptions StarGanGeneratorOptions::small(int64_t width) {
  return {.conv_dim = width, .repeat_num = 3, .upsampling = Upsampling::kSubpixel};  // no checkerboard, and no slower
}

StarGanDiscriminatorOptions StarGanDiscriminatorOptions::small(int64_t width) {
  return {.conv_dim = width, .repeat_num = 4, .slope = 0.2, .max_dim = small_discriminator_cap(width)};
}

bool StarGanGeneratorOptions::recognize(const StateShapes& state, NetworkSpec& spec, StarGanGeneratorOptions& options) {
  if (!state.has("main.0.weight")) return false;
  options.norm_fn = state.norm("main.1", options.norm_fn);
  // A block is a convolution, its norm and its activation; one that doubles the side has one part more but for the transposed convolution.
  const int64_t parts = options.norm_fn == Normalization::kNone ? 2 : 3;
  options.repeat_num = 0;
  while (state.has(fmt::format("main.{}.main.0.weight", 3 * parts + options.repeat_num))) ++options.repeat_num;
  const auto upsampling = upsampling_of(state, "main.{}.weight", 3 * parts + options.repeat_num, options.upsampling);
  if (!upsampling) return false;
  options.upsampling = *upsampling;
  const int64_t doubling = options.upsampling == Upsampling::kTransposed ? parts : parts + 1;
  const std::string last = fmt::format("main.{}.weight", 3 * parts + options.repeat_num + 2 * doubling);
  options.conv_dim = state.extent("main.0.weight", 0);
  // The first layer has attributes beside the image, so only the last tells: no image has four channels.
  const int64_t decoded = state.extent(last, 0);
  spec.image_channels = decoded == 4 ? 3 : decoded;
  spec.recognize_attention(decoded);
  spec.attributes = state.extent("main.0.weight", 1) - spec.image_channels;
  return state.has(last);
}

bool StarGanDiscriminatorOptions::recognize(const StateShapes& state, NetworkSpec& spec, StarGanDiscriminatorOptions& options) {
  if (!state.has("main.0.weight") || state.has("main.1.weight") || !state.has("conv2.weight")) return false;
  // Activations stand between the convolutions.
  std::vector<int64_t> widths;
  for (std::string name = "main.0.weight"; state.has(name); name = fmt::format("main.{}.weight", 2 * widths.size())) {
    widths.push_back(state.extent(name, 0));
  }
  options.repeat_num = static_cast<int64_t>(widths.size());
  options.conv_dim = widths[0];
  options.max_dim = width_cap(widths, options.max_dim);
  spec.image_channels = state.extent("main.0.weight", 1);
  spec.attributes = state.extent("conv2.weight", 0);
  spec.image_size = photo_side(state.extent("conv2.weight", 2), options.repeat_num);
  return true;
}

Backbone stargan_backbone() { return make_backbone<StarGanGeneratorImpl, StarGanDiscriminatorImpl>("stargan"); }

StarGanGeneratorImpl::StarGanGeneratorImpl(const NetworkSpec& spec, const Options& o) : GeneratorImpl(spec, o) {
  add_feature(spec.image_channels, spec.image_size);
  const Epilogue relu{o.norm_fn, Activation::kRelu};
  const Kernel same{7, 1, 3};
  int64_t width = o.conv_dim;
  main_ = conv_block(spec.image_channels + spec.attributes, width, same, relu);
  for (int i = 0; i < 2; ++i, width *= 2) append_parts(main_, conv_block(width, 2 * width, {}, relu));
  for (int64_t i = 0; i < o.repeat_num; ++i) main_->push_back(ResidualBlock(width, o.norm_fn));
  for (int i = 0; i < 2; ++i, width /= 2) append_parts(main_, upsampling_block(width, width / 2, o.upsampling, relu));
  append_parts(main_, conv_block(width, spec.decoded_channels(), same, {.bias = false}));
  register_module("main", main_);
}

at::Tensor StarGanGeneratorImpl::decode_features(const std::vector<at::Tensor>& features, const at::Tensor& attributes) {
  return main_->forward(append_attributes(features.back(), attributes));
}

StarGanDiscriminatorImpl::StarGanDiscriminatorImpl(const NetworkSpec& spec, const Options& o) : DiscriminatorImpl(spec, o) {
  int64_t channels = spec.image_channels;
  for (int64_t i = 0; i < o.repeat_num; ++i) {
    const int64_t out = doubled_width(o.conv_dim, i, o.max_dim);
    append_parts(main_, conv_block(channels, out, {}, {.activation = Activation::kLeakyRelu, .slope = o.slope}));
    channels = out;
  }
  const int64_t side = spec.image_size >> o.repeat_num;
  ParameterBudget::spend({channels, 3, 3});
  ParameterBudget::spend({channels, spec.attributes, side, side});
  patches_ = torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, 1, 3).padding(1).bias(false));
  attributes_ = torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, spec.attributes, side).bias(false));
  register_module("main", main_);
  register_module("conv1", patches_);
  register_module("conv2", attributes_);
}

Scores StarGanDiscriminatorImpl::score(const at::Tensor& image) {
  const at::Tensor features = main_->forward(image);
  return {patches_->forward(features), attributes_->forward(features).flatten(1)};
}

std::optional<PenalizedScores> StarGanDiscriminatorImpl::penalized_scores(const at::Tensor& real, const at::Tensor& fake,
                                                                          const at::Tensor& between) {
  return secgan::penalized_scores({chain_of({main_}), {patches_.ptr()}, {attributes_.ptr()}}, real, fake, between);
}

}  // namespace secgan
