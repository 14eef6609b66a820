#include "secgan/models/attgan.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "core/rules.hpp"
#include "models/builtin.hpp"
#include "nn/critic.hpp"
#include "secgan/models/backbone.hpp"

namespace secgan {
namespace {

/// A list of blocks under `name`, each block's parts under "layers": the key layout of AttGAN-PyTorch.
struct LayeredBlockImpl : torch::nn::Module {
  explicit LayeredBlockImpl(Block block) { register_module("layers", std::move(block)); }
};
TORCH_MODULE(LayeredBlock);

void register_layers(torch::nn::Module& owner, const std::string& name, const std::vector<Block>& blocks) {
  torch::nn::ModuleList list;
  for (const auto& block : blocks) list->push_back(LayeredBlock(block));
  owner.register_module(name, list);
}

}  // namespace

void AttGanGeneratorOptions::check(const NetworkSpec& spec) const {
  if (dec_layers != enc_layers) throw InvalidArgument(fmt::format("dec_layers {} must equal enc_layers {}", dec_layers, enc_layers));
  require_multiple(spec.image_size, enc_layers);
}

void AttGanDiscriminatorOptions::check(const NetworkSpec& spec) const { require_multiple(spec.image_size, n_layers); }

AttGanGeneratorOptions AttGanGeneratorOptions::small(int64_t width) {
  return {.enc_dim = width,
          .enc_layers = 4,
          .dec_dim = width,
          .dec_layers = 4,
          .shortcut_layers = 1,
          .inject_layers = 1,
          .max_dim = 128,
          .slope = 0.2,
          .upsampling = Upsampling::kSubpixel};  // no checkerboard, and no slower
}

AttGanDiscriminatorOptions AttGanDiscriminatorOptions::small(int64_t width) {
  const int64_t most = small_discriminator_cap(width);
  return {.dim = width,
          .norm_fn = Normalization::kNone,
          .fc_dim = most,
          .fc_acti_fn = Activation::kLeakyRelu,
          .n_layers = 4,
          .max_dim = most,
          .slope = 0.2};
}

bool AttGanGeneratorOptions::recognize(const StateShapes& state, NetworkSpec& spec, AttGanGeneratorOptions& options) {
  const auto found = encoder_decoder(state, "enc_layers.{}.layers.0.weight", "dec_layers.{}.layers.{}.weight",
                                     {options.upsampling, options.shortcut_layers, options.inject_layers});
  if (!found) return false;
  spec.image_channels = found->image_channels;
  spec.recognize_attention(found->outputs.back());
  spec.attributes = found->attributes;
  options.enc_layers = std::ssize(found->widths);
  options.dec_layers = std::ssize(found->outputs);
  options.enc_dim = found->widths[0];
  if (options.dec_layers > 1) options.dec_dim = found->outputs[found->outputs.size() - 2] / 2;
  // The decoder's widths, narrowest first: where it is the wider one it meets the cap alone.
  const std::vector<int64_t> decoder(found->outputs.rbegin() + 1, found->outputs.rend());
  options.max_dim = width_cap(found->widths, decoder.empty() ? options.max_dim : width_cap(decoder, options.max_dim));
  options.enc_norm_fn = state.norm("enc_layers.0.layers.1", options.enc_norm_fn);
  options.upsampling = found->upsampling;
  options.dec_norm_fn =
      state.norm(fmt::format("dec_layers.0.layers.{}", options.upsampling == Upsampling::kTransposed ? 1 : 2), options.dec_norm_fn);
  options.shortcut_layers = found->shortcuts;
  options.inject_layers = found->injections;
  return true;
}

bool AttGanDiscriminatorOptions::recognize(const StateShapes& state, NetworkSpec& spec, AttGanDiscriminatorOptions& options) {
  constexpr std::string_view kConvolution = "conv.{}.layers.0.weight";
  if (state.count(kConvolution) == 0 || !state.has("fc_cls.1.layers.0.weight")) return false;
  options.n_layers = state.count(kConvolution);
  const auto widths = state.extents(kConvolution, options.n_layers, 0);
  spec.image_channels = state.extent("conv.0.layers.0.weight", 1);
  spec.attributes = state.extent("fc_cls.1.layers.0.weight", 0);
  options.dim = widths[0];
  options.max_dim = width_cap(widths, options.max_dim);
  options.norm_fn = state.norm("conv.0.layers.1", options.norm_fn);
  options.fc_dim = state.extent("fc_adv.0.layers.0.weight", 0);
  options.fc_norm_fn = state.norm("fc_adv.0.layers.1", options.fc_norm_fn);
  spec.image_size = photo_side(map_side(state.extent("fc_adv.0.layers.0.weight", 1), widths.back()), options.n_layers);
  return true;
}

Backbone attgan_backbone() { return make_backbone<AttGanGeneratorImpl, AttGanDiscriminatorImpl>("attgan"); }

AttGanGeneratorImpl::AttGanGeneratorImpl(const NetworkSpec& spec, const Options& o) : GeneratorImpl(spec, o) {
  // The published network clips both to layers − 1.
  shortcuts_ = std::min(o.shortcut_layers, o.dec_layers - 1);
  injections_ = std::min(o.inject_layers, o.dec_layers - 1);

  std::vector<int64_t> widths;
  int64_t channels = spec.image_channels;
  for (int64_t i = 0; i < o.enc_layers; ++i) {
    widths.push_back(doubled_width(o.enc_dim, i, o.max_dim));
    encoder_.push_back(conv_block(channels, widths.back(), {}, {o.enc_norm_fn, o.enc_acti_fn, o.slope}));
    channels = widths.back();
    add_feature(channels, spec.image_size >> (i + 1));
  }

  channels += spec.attributes;
  for (int64_t i = 0; i < o.dec_layers; ++i) {
    if (i == o.dec_layers - 1) {
      decoder_.push_back(upsampling_block(channels, spec.decoded_channels(), o.upsampling, {}));
      break;
    }
    const int64_t out = doubled_width(o.dec_dim, o.dec_layers - 1 - i, o.max_dim);
    decoder_.push_back(upsampling_block(channels, out, o.upsampling, {o.dec_norm_fn, o.dec_acti_fn, o.slope}));
    channels = out;
    if (shortcuts_ > i) channels += widths[static_cast<size_t>(o.dec_layers - 2 - i)];
    if (injections_ > i) channels += spec.attributes;
  }
  register_layers(*this, "enc_layers", encoder_);
  register_layers(*this, "dec_layers", decoder_);
}

std::vector<at::Tensor> AttGanGeneratorImpl::encode_image(const at::Tensor& image) {
  std::vector<at::Tensor> features;
  at::Tensor z = image;
  for (auto& layer : encoder_) features.push_back(z = layer->forward(z));
  return features;
}

at::Tensor AttGanGeneratorImpl::decode_features(const std::vector<at::Tensor>& features, const at::Tensor& attributes) {
  at::Tensor z = append_attributes(features.back(), attributes);
  for (size_t i = 0; i < decoder_.size(); ++i) {
    z = decoder_[i]->forward(z);
    if (shortcuts_ > static_cast<int64_t>(i)) z = at::cat({z, features[decoder_.size() - 2 - i]}, 1);
    if (injections_ > static_cast<int64_t>(i)) z = append_attributes(z, attributes);
  }
  return z;
}

AttGanDiscriminatorImpl::AttGanDiscriminatorImpl(const NetworkSpec& spec, const Options& o) : DiscriminatorImpl(spec, o) {
  int64_t channels = spec.image_channels;
  for (int64_t i = 0; i < o.n_layers; ++i) {
    const int64_t out = doubled_width(o.dim, i, o.max_dim);
    conv_.push_back(conv_block(channels, out, {}, {o.norm_fn, o.acti_fn, o.slope}));
    channels = out;
  }
  const int64_t side = spec.image_size >> o.n_layers;
  const auto head = [&](int64_t outputs) {
    return std::vector<Block>{linear_block(channels * side * side, o.fc_dim, {o.fc_norm_fn, o.fc_acti_fn, o.slope}),
                              linear_block(o.fc_dim, outputs, {})};
  };
  adversarial_head_ = head(1);
  attribute_head_ = head(spec.attributes);
  register_layers(*this, "conv", conv_);
  register_layers(*this, "fc_adv", adversarial_head_);
  register_layers(*this, "fc_cls", attribute_head_);
}

Scores AttGanDiscriminatorImpl::score(const at::Tensor& image) {
  const at::Tensor features = run_blocks(conv_, image).flatten(1);
  return {run_blocks(adversarial_head_, features), run_blocks(attribute_head_, features)};
}

std::optional<PenalizedScores> AttGanDiscriminatorImpl::penalized_scores(const at::Tensor& real, const at::Tensor& fake,
                                                                         const at::Tensor& between) {
  return secgan::penalized_scores({chain_of(conv_), chain_of(adversarial_head_), chain_of(attribute_head_)}, real, fake, between);
}

}  // namespace secgan
