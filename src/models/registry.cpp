#include <ATen/ATen.h>

#include <algorithm>

#include "core/rules.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/models/attgan.hpp"

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
};
static_assert(std::size(kRegistry) == kBackbones.size(), "every named backbone needs its builders");

const Entry& entry(Backbone backbone) {
  return *std::find_if(std::begin(kRegistry), std::end(kRegistry),
                       [&](const Entry& e) { return e.backbone == backbone; });
}

template <class Options>
void validate_common(const Options& options) {
  require_positive("attributes", options.attributes);
  require_positive("image_channels", options.image_channels);
  if (options.backbone == Backbone::kAttGan) options.attgan.validate(options.image_size);
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

std::vector<at::Tensor> GeneratorImpl::encode(const at::Tensor& image) {
  check_shape(image, "image", {kAny, options_.image_channels, options_.image_size, options_.image_size},
              "[N, image_channels, image_size, image_size]");
  return encode_image(image);
}

at::Tensor GeneratorImpl::decode(const std::vector<at::Tensor>& features, const at::Tensor& attributes) {
  if (features.empty()) throw InvalidArgument("features must be what encode gave, found an empty list");
  check_shape(attributes, "attributes", {features.back().size(0), options_.attributes}, "[N, A]");
  const at::Tensor out = decode_features(features, attributes);
  switch (options_.output) {
    case OutputActivation::kTanh: return out.tanh();
    case OutputActivation::kSoftmax: return out.softmax(1);
    case OutputActivation::kLogits: break;
  }
  return out;
}

at::Tensor GeneratorImpl::forward(const at::Tensor& image, const at::Tensor& attributes) {
  return decode(encode(image), attributes);
}

Scores DiscriminatorImpl::forward(const at::Tensor& image) {
  check_shape(image, "image", {kAny, options_.image_channels, options_.image_size, options_.image_size},
              "[N, image_channels, image_size, image_size]");
  return score(image);
}

}  // namespace secgan
