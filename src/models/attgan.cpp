#include "secgan/models/attgan.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "core/rules.hpp"

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

void AttGanGeneratorOptions::validate(int64_t image_size) const {
  for (const auto& [name, value] : {std::pair{"enc_dim", enc_dim}, {"dec_dim", dec_dim}, {"max_dim", max_dim}}) {
    require_positive(name, value);
  }
  require_layers("enc_layers", enc_layers);
  if (dec_layers != enc_layers) {
    throw InvalidArgument(fmt::format("dec_layers {} must equal enc_layers {}", dec_layers, enc_layers));
  }
  require_not_negative("shortcut_layers", shortcut_layers);
  require_not_negative("inject_layers", inject_layers);
  require_multiple(image_size, enc_layers);
}

void AttGanDiscriminatorOptions::validate(int64_t image_size) const {
  for (const auto& [name, value] : {std::pair{"dim", dim}, {"fc_dim", fc_dim}, {"max_dim", max_dim}}) {
    require_positive(name, value);
  }
  require_layers("n_layers", n_layers);
  require_multiple(image_size, n_layers);
}

AttGanGeneratorImpl::AttGanGeneratorImpl(const GeneratorOptions& options) : GeneratorImpl(options) {
  const auto& o = options.attgan;
  // The published network clips both to layers − 1.
  shortcuts_ = std::min(o.shortcut_layers, o.dec_layers - 1);
  injections_ = std::min(o.inject_layers, o.dec_layers - 1);

  std::vector<int64_t> widths;
  int64_t channels = options.image_channels;
  for (int64_t i = 0; i < o.enc_layers; ++i) {
    widths.push_back(doubled_width(o.enc_dim, i, o.max_dim));
    encoder_.push_back(conv_block(channels, widths.back(), {}, {o.enc_norm_fn, o.enc_acti_fn, o.slope}));
    channels = widths.back();
    add_feature(channels, options.image_size >> (i + 1));
  }

  channels += options.attributes;
  for (int64_t i = 0; i < o.dec_layers; ++i) {
    if (i == o.dec_layers - 1) {
      decoder_.push_back(upsampling_block(channels, options.image_channels, o.upsampling, {}));
      break;
    }
    const int64_t out = doubled_width(o.dec_dim, o.dec_layers - 1 - i, o.max_dim);
    decoder_.push_back(upsampling_block(channels, out, o.upsampling, {o.dec_norm_fn, o.dec_acti_fn, o.slope}));
    channels = out;
    if (shortcuts_ > i) channels += widths[static_cast<size_t>(o.dec_layers - 2 - i)];
    if (injections_ > i) channels += options.attributes;
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

AttGanDiscriminatorImpl::AttGanDiscriminatorImpl(const DiscriminatorOptions& options) : DiscriminatorImpl(options) {
  const auto& o = options.attgan;
  int64_t channels = options.image_channels;
  for (int64_t i = 0; i < o.n_layers; ++i) {
    const int64_t out = doubled_width(o.dim, i, o.max_dim);
    conv_.push_back(conv_block(channels, out, {}, {o.norm_fn, o.acti_fn, o.slope}));
    channels = out;
  }
  const int64_t side = options.image_size >> o.n_layers;
  const auto head = [&](int64_t outputs) {
    return std::vector<Block>{linear_block(channels * side * side, o.fc_dim, {o.fc_norm_fn, o.fc_acti_fn, o.slope}),
                              linear_block(o.fc_dim, outputs, {})};
  };
  adversarial_head_ = head(1);
  attribute_head_ = head(options.attributes);
  register_layers(*this, "conv", conv_);
  register_layers(*this, "fc_adv", adversarial_head_);
  register_layers(*this, "fc_cls", attribute_head_);
}

Scores AttGanDiscriminatorImpl::score(const at::Tensor& image) {
  const at::Tensor features = run_blocks(conv_, image).flatten(1);
  return {run_blocks(adversarial_head_, features), run_blocks(attribute_head_, features)};
}

}  // namespace secgan
