#include <ATen/ATen.h>

#include <algorithm>

#include "core/rules.hpp"
#include "nn/inputs.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/models/attgan.hpp"
#include "secgan/models/stargan.hpp"
#include "secgan/models/stgan.hpp"

namespace secgan {
namespace {

/// Every backbone, in one table: no registration by import order.
struct Entry {
  Backbone backbone;
  Generator (*make_generator)(const GeneratorOptions&);
  Discriminator (*make_discriminator)(const DiscriminatorOptions&);
};

template <class Impl, class Holder, class Options>
Holder build(const Options& options) {
  const std::shared_ptr<typename Holder::ContainedType> network = std::make_shared<Impl>(options);
  return Holder(network);
}

constexpr Entry kRegistry[] = {
    {Backbone::kAttGan, &build<AttGanGeneratorImpl, Generator, GeneratorOptions>,
     &build<AttGanDiscriminatorImpl, Discriminator, DiscriminatorOptions>},
    {Backbone::kStgan, &build<StganGeneratorImpl, Generator, GeneratorOptions>,
     &build<StganDiscriminatorImpl, Discriminator, DiscriminatorOptions>},
    {Backbone::kStarGan, &build<StarGanGeneratorImpl, Generator, GeneratorOptions>,
     &build<StarGanDiscriminatorImpl, Discriminator, DiscriminatorOptions>},
};
static_assert(std::size(kRegistry) == kBackbones.size(), "every named backbone needs its builders");

const Entry& entry(Backbone backbone) {
  return *std::find_if(std::begin(kRegistry), std::end(kRegistry), [&](const Entry& e) { return e.backbone == backbone; });
}

template <class Options>
void validate_common(const Options& options) {
  require_positive("attributes", options.attributes);
  require_positive("image_channels", options.image_channels);
  switch (options.backbone) {
    case Backbone::kAttGan: options.attgan.validate(options.image_size); break;
    case Backbone::kStgan: options.stgan.validate(options.image_size); break;
    case Backbone::kStarGan: options.stargan.validate(options.image_size); break;
  }
}

}  // namespace

void GeneratorOptions::validate() const { validate_common(*this); }
void DiscriminatorOptions::validate() const { validate_common(*this); }

Generator make_generator(const GeneratorOptions& options) {
  options.validate();
  return entry(options.backbone).make_generator(options);
}

Discriminator make_discriminator(const DiscriminatorOptions& options) {
  options.validate();
  return entry(options.backbone).make_discriminator(options);
}

namespace {

/// Sizes stay symbols here: an exported network takes any batch.
void check_batch(const at::Tensor& tensor, std::string_view name, const at::Tensor& image) {
  if (tensor.sym_size(0) != image.sym_size(0)) {
    throw InvalidArgument(fmt::format("{} must be of as many photos as the image, found {} and {}", name, tensor.size(0), image.size(0)));
  }
}

/// Which type and device a network of one's own takes, it says itself.
template <class Network>
void check_image(const Network& network, const at::Tensor& image) {
  const auto& options = network.options();
  check_shape(image, "image", {kAny, options.image_channels, options.image_size, options.image_size},
              "[N, image_channels, image_size, image_size]");
  if (network.named()) {
    check_input(network, image, "image");
  } else {
    check_floating(image, "image");
  }
}

}  // namespace

std::vector<at::Tensor> GeneratorImpl::encode(const at::Tensor& image) {
  check_image(*this, image);
  return encode_image(image);
}

at::Tensor GeneratorImpl::decode(const std::vector<at::Tensor>& features, const at::Tensor& attributes) {
  if (features.size() != feature_shapes_.size()) {
    throw InvalidArgument(fmt::format("features must be the {} maps that encode gave, found {}", feature_shapes_.size(), features.size()));
  }
  for (size_t i = 0; i < features.size(); ++i) {
    const auto& [channels, side] = feature_shapes_[i];
    check_shape(features[i], fmt::format("features[{}]", i), {kAny, channels, side, side}, "what encode gave");
    check_batch(features[i], fmt::format("features[{}]", i), features.back());
  }
  check_shape(attributes, "attributes", {kAny, options_.attributes}, "[N, A]");
  check_batch(attributes, "attributes", features.back());
  check_floating(attributes, "attributes");
  check_device(attributes, "attributes", features.back(), "the image");
  const at::Tensor out = decode_features(features, attributes);
  switch (options_.output) {
    case OutputActivation::kTanh: return out.tanh();
    case OutputActivation::kSoftmax: return out.softmax(1);
    case OutputActivation::kLogits: break;
  }
  return out;
}

at::Tensor GeneratorImpl::forward(const at::Tensor& image, const at::Tensor& attributes) { return decode(encode(image), attributes); }

Scores DiscriminatorImpl::forward(const at::Tensor& image) {
  check_image(*this, image);
  return score(image);
}

}  // namespace secgan
