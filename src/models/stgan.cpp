#include "secgan/models/stgan.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "core/rules.hpp"
#include "models/builtin.hpp"
#include "nn/critic.hpp"
#include "nn/parameter_budget.hpp"
#include "secgan/models/backbone.hpp"

namespace secgan {

StganGeneratorOptions StganGeneratorOptions::official() {
  return {.shortcut_layers = 4,
          .inject_layers = 4,
          .stu_norm = Normalization::kNone,
          .one_more_conv = false,
          .final_bias = true,
          .norm_epsilon = 1e-3,
          .norm_momentum = 0.001,
          .max_dim = 1024,
          .glorot = true};
}

StganDiscriminatorOptions StganDiscriminatorOptions::official() {
  return {.norm_fn = Normalization::kInstance, .conv_bias = false, .norm_epsilon = 1e-6, .max_dim = 1024, .glorot = true};
}

void StganGeneratorOptions::check(const NetworkSpec& spec) const {
  if (one_more_conv && conv_dim < 4) {
    throw InvalidArgument(fmt::format("conv_dim {} is below 4, which one_more_conv divides it by", conv_dim));
  }
  require_multiple(spec.image_size, n_layers);
}

void StganDiscriminatorOptions::check(const NetworkSpec& spec) const { require_multiple(spec.image_size, n_layers); }

StganGeneratorOptions StganGeneratorOptions::small(int64_t width) {
  return {.conv_dim = width,
          .n_layers = 4,
          .shortcut_layers = 2,
          .inject_layers = 1,
          .one_more_conv = false,
          .final_bias = true,
          .max_dim = 128,
          .upsampling = Upsampling::kSubpixel};  // no checkerboard, and no slower
}

StganDiscriminatorOptions StganDiscriminatorOptions::small(int64_t width) {
  const int64_t most = small_discriminator_cap(width);
  return {.conv_dim = width, .fc_dim = most, .n_layers = 4, .norm_fn = Normalization::kNone, .max_dim = most};
}

bool StganGeneratorOptions::recognize(const StateShapes& state, NetworkSpec& spec, StganGeneratorOptions& options) {
  const auto found = encoder_decoder(state, "encoder.{}.0.weight", "decoder.{}.{}.weight",
                                     {options.upsampling, options.shortcut_layers, options.inject_layers});
  if (!found) return false;
  spec.image_channels = found->image_channels;
  spec.attributes = found->attributes;
  options.n_layers = std::ssize(found->widths);
  options.conv_dim = found->widths[0];
  options.max_dim = width_cap(found->widths, options.max_dim);
  options.shortcut_layers = found->shortcuts;
  options.inject_layers = found->injections;
  options.use_stu = state.has("stu.0.upsample.weight");
  if (options.use_stu) {
    options.stu_kernel_size = state.extent("stu.0.reset_gate.0.weight", 2);
    options.stu_norm = state.norm("stu.0.reset_gate.1", options.stu_norm);
    // Skips have units where they have any: their count is certain.
    options.shortcut_layers = state.count("stu.{}.upsample.weight");
  }
  options.upsampling = found->upsampling;
  // The layer's convolution, its norm and its activation, then one more.
  const std::string last = fmt::format("decoder.{}.", options.n_layers - 1);
  const int64_t more = options.upsampling == Upsampling::kTransposed ? 3 : 4;
  options.one_more_conv = state.has(fmt::format("{}{}.weight", last, more));
  if (options.one_more_conv) options.one_more_kernel_size = state.extent(fmt::format("{}{}.weight", last, more), 2);
  options.final_bias = state.has(fmt::format("{}{}.bias", last, options.one_more_conv ? more : found->convolution));
  spec.recognize_attention(options.one_more_conv ? state.extent(fmt::format("{}{}.weight", last, more), 1) : found->outputs.back());
  return true;
}

bool StganDiscriminatorOptions::recognize(const StateShapes& state, NetworkSpec& spec, StganDiscriminatorOptions& options) {
  constexpr std::string_view kConvolution = "conv.{}.0.weight";
  if (state.count(kConvolution) == 0 || !state.has("fc_att.2.weight")) return false;
  options.n_layers = state.count(kConvolution);
  const auto widths = state.extents(kConvolution, options.n_layers, 0);
  spec.image_channels = state.extent("conv.0.0.weight", 1);
  spec.attributes = state.extent("fc_att.2.weight", 0);
  options.conv_dim = widths[0];
  options.max_dim = width_cap(widths, options.max_dim);
  options.norm_fn = state.norm("conv.0.1", options.norm_fn);
  options.conv_bias = state.has("conv.0.0.bias");
  options.fc_dim = state.extent("fc_adv.0.weight", 0);
  spec.image_size = photo_side(map_side(state.extent("fc_adv.0.weight", 1), widths.back()), options.n_layers);
  return true;
}

Backbone stgan_backbone() {
  return make_backbone<StganGeneratorImpl, StganDiscriminatorImpl>(
      "stgan", {{"stgan-official", StganGeneratorOptions::official(), StganDiscriminatorOptions::official()}});
}

SelectiveTransferUnitImpl::SelectiveTransferUnitImpl(int64_t channels, int64_t state_channels, int64_t attributes,
                                                     const StganGeneratorOptions& o)
    : upsample_(torch::nn::ConvTranspose2dOptions(state_channels + attributes, channels, 4)
                    .stride(2)
                    .padding(1)
                    .bias(o.stu_norm == Normalization::kNone)),
      passed_on_(o.stu_state) {
  ParameterBudget::spend({state_channels + attributes, channels, 4, 4});
  const auto gate = [&](Activation activation) {
    return conv_block(2 * channels, channels, {o.stu_kernel_size, 1, o.stu_kernel_size / 2},
                      {.norm = o.stu_norm, .activation = activation, .epsilon = o.norm_epsilon, .momentum = o.norm_momentum});
  };
  register_module("upsample", upsample_);
  reset_gate_ = register_module("reset_gate", gate(Activation::kSigmoid));
  update_gate_ = register_module("update_gate", gate(Activation::kSigmoid));
  hidden_ = register_module("hidden", gate(Activation::kTanh));
}

SelectiveTransferUnitImpl::Result SelectiveTransferUnitImpl::forward(const at::Tensor& features, const at::Tensor& state,
                                                                     const at::Tensor& attributes) {
  const at::Tensor raised = upsample_->forward(append_attributes(state, attributes));
  const at::Tensor both = at::cat({features, raised}, 1);
  const at::Tensor kept = reset_gate_->forward(both) * raised;
  const at::Tensor update = update_gate_->forward(both);
  const at::Tensor hidden = hidden_->forward(at::cat({features, kept}, 1));
  const at::Tensor output = (1 - update) * raised + update * hidden;
  switch (passed_on_) {
    case StuState::kGru: return {output, output};
    case StuState::kDirect: return {output, raised};
    case StuState::kStu: break;
  }
  return {output, kept};
}

StganGeneratorImpl::StganGeneratorImpl(const NetworkSpec& spec, const Options& o) : GeneratorImpl(spec, o) {
  shortcuts_ = std::min(o.shortcut_layers, o.n_layers - 1);
  injections_ = std::min(o.inject_layers, o.n_layers - 1);
  const auto epilogue = [&](Activation activation) {
    return Epilogue{
        .norm = Normalization::kBatch, .activation = activation, .slope = o.slope, .epsilon = o.norm_epsilon, .momentum = o.norm_momentum};
  };

  std::vector<int64_t> widths;
  int64_t channels = spec.image_channels;
  for (int64_t i = 0; i < o.n_layers; ++i) {
    widths.push_back(doubled_width(o.conv_dim, i, o.max_dim));
    encoder_.push_back(conv_block(channels, widths.back(), {}, epilogue(Activation::kLeakyRelu)));
    channels = widths.back();
    add_feature(channels, spec.image_size >> (i + 1));
  }
  const auto skip_width = [&](int64_t skip) { return widths[static_cast<size_t>(o.n_layers - 1 - skip)]; };  // skip 0: the bottleneck
  for (int64_t s = 1; s <= shortcuts_ && o.use_stu; ++s) {
    units_.emplace_back(skip_width(s), skip_width(s - 1), spec.attributes, o);
  }

  channels += spec.attributes;
  for (int64_t i = 0; i < o.n_layers - 1; ++i) {
    const int64_t out = doubled_width(o.conv_dim, o.n_layers - 1 - i, o.max_dim);
    decoder_.push_back(upsampling_block(channels, out, o.upsampling, epilogue(Activation::kRelu)));
    channels = out;
    if (shortcuts_ > i) channels += skip_width(i + 1);
    if (injections_ > i) channels += spec.attributes;
  }
  const Epilogue last{.bias = o.final_bias};
  if (o.one_more_conv) {
    const int64_t narrow = o.conv_dim / 4;
    ParameterBudget::spend({narrow, spec.decoded_channels(), o.one_more_kernel_size, o.one_more_kernel_size});
    Block block = upsampling_block(channels, narrow, o.upsampling, epilogue(Activation::kRelu));
    block->push_back(torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(narrow, spec.decoded_channels(), o.one_more_kernel_size)
                                                    .padding(o.one_more_kernel_size / 2)
                                                    .bias(last.has_bias())));
    decoder_.push_back(block);
  } else {
    decoder_.push_back(upsampling_block(channels, spec.decoded_channels(), o.upsampling, last));
  }

  register_blocks(*this, "encoder", encoder_);
  if (!units_.empty()) {
    torch::nn::ModuleList list;
    for (const auto& unit : units_) list->push_back(unit);
    register_module("stu", list);
  }
  register_blocks(*this, "decoder", decoder_);
  if (o.glorot) initialize_glorot(*this);
}

std::vector<at::Tensor> StganGeneratorImpl::encode_image(const at::Tensor& image) {
  std::vector<at::Tensor> features;
  at::Tensor z = image;
  for (auto& layer : encoder_) features.push_back(z = layer->forward(z));
  return features;
}

at::Tensor StganGeneratorImpl::decode_features(const std::vector<at::Tensor>& features, const at::Tensor& attributes) {
  at::Tensor state = features.back();
  at::Tensor z = append_attributes(state, attributes);
  for (size_t i = 0; i < decoder_.size(); ++i) {
    z = decoder_[i]->forward(z);
    if (shortcuts_ > static_cast<int64_t>(i)) {
      at::Tensor skip = features[features.size() - 2 - i];
      if (!units_.empty()) {
        const auto transferred = units_[i]->forward(skip, state, attributes);
        skip = transferred.output;
        state = transferred.state;
      }
      z = at::cat({z, skip}, 1);
    }
    if (injections_ > static_cast<int64_t>(i)) z = append_attributes(z, attributes);
  }
  return z;
}

StganDiscriminatorImpl::StganDiscriminatorImpl(const NetworkSpec& spec, const Options& o) : DiscriminatorImpl(spec, o) {
  int64_t channels = spec.image_channels;
  for (int64_t i = 0; i < o.n_layers; ++i) {
    const int64_t out = doubled_width(o.conv_dim, i, o.max_dim);
    conv_.push_back(conv_block(channels, out, {},
                               {.norm = o.norm_fn,
                                .activation = Activation::kLeakyRelu,
                                .slope = o.slope,
                                .bias = o.conv_bias || o.norm_fn == Normalization::kNone,
                                .epsilon = o.norm_epsilon}));
    channels = out;
  }
  const int64_t side = spec.image_size >> o.n_layers;
  const auto head = [&](int64_t outputs) {
    Block block = linear_block(channels * side * side, o.fc_dim, {Normalization::kNone, Activation::kLeakyRelu, o.slope});
    ParameterBudget::spend({o.fc_dim, outputs});
    block->push_back(torch::nn::Linear(o.fc_dim, outputs));
    return block;
  };
  register_blocks(*this, "conv", conv_);
  adversarial_head_ = register_module("fc_adv", head(1));
  attribute_head_ = register_module("fc_att", head(spec.attributes));
  if (o.glorot) initialize_glorot(*this);
}

Scores StganDiscriminatorImpl::score(const at::Tensor& image) {
  const at::Tensor features = run_blocks(conv_, image).flatten(1);
  return {adversarial_head_->forward(features), attribute_head_->forward(features)};
}

std::optional<PenalizedScores> StganDiscriminatorImpl::penalized_scores(const at::Tensor& real, const at::Tensor& fake,
                                                                        const at::Tensor& between) {
  return secgan::penalized_scores({chain_of(conv_), chain_of({adversarial_head_}), chain_of({attribute_head_})}, real, fake, between);
}

}  // namespace secgan
