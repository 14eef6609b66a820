#include <ATen/ATen.h>

#include "core/format.hpp"
#include "nn/inputs.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/ops/precision.hpp"

namespace secgan {
namespace {

/// Sizes stay symbols here: an exported network takes any batch.
void check_batch(const at::Tensor& tensor, std::string_view name, const at::Tensor& image) {
  if (tensor.sym_size(0) != image.sym_size(0)) {
    throw InvalidArgument(fmt::format("{} must be of as many photos as the image, found {} and {}", name, tensor.size(0), image.size(0)));
  }
}

/// Which type and device a custom network takes, it says itself.
template <class Network>
void check_image(const Network& network, const at::Tensor& image) {
  const NetworkSpec& spec = network.spec();
  check_shape(image, "image", {kAny, spec.image_channels, spec.image_size, spec.image_size}, "[N, image_channels, image_size, image_size]");
  if (network.custom()) {
    check_floating(image, "image");
  } else {
    check_input(network, image, "image");
  }
}

/// In float32, whatever the layers computed in: what is kept of the image is to keep all of its bits.
/// @param image [N, C, S, S]   @param decoded [N, C + 1, S, S]
at::Tensor blended(const NetworkSpec& spec, const at::Tensor& image, const at::Tensor& decoded) {
  const int64_t channels = spec.image_channels;
  check_shape(decoded, "with attention, what decode_features gave", {kAny, spec.decoded_channels(), spec.image_size, spec.image_size},
              "[N, decoded_channels(), S, S]");
  const at::Tensor out = full_precision(decoded);
  const at::Tensor edit = out.narrow(1, 0, channels).tanh(), shows = out.narrow(1, channels, 1).sigmoid();
  return (image + shows * (edit - image)).to(image.scalar_type());
}

}  // namespace

GeneratorConfig GeneratorImpl::config() const {
  if (custom()) throw Error("a custom generator has no options that rebuild it");
  return {spec_, *options_};
}

DiscriminatorConfig DiscriminatorImpl::config() const {
  if (custom()) throw Error("a custom discriminator has no options that rebuild it");
  return {spec_, *options_};
}

std::vector<at::Tensor> GeneratorImpl::encode(const at::Tensor& image) {
  check_image(*this, image);
  std::vector<at::Tensor> features = encode_image(image);
  if (attention()) features.insert(features.begin(), image);
  return features;
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
  check_shape(attributes, "attributes", {kAny, spec_.attributes}, "[N, A]");
  check_batch(attributes, "attributes", features.back());
  check_floating(attributes, "attributes");
  check_device(attributes, "attributes", features.back(), "the image");
  if (attention()) return blended(spec_, features[0], decode_features({features.begin() + 1, features.end()}, attributes));
  const at::Tensor out = decode_features(features, attributes);
  switch (spec_.output) {
    case OutputActivation::kTanh: return out.tanh();
    case OutputActivation::kSoftmax: return out.softmax(1);
    case OutputActivation::kLogits:
    case OutputActivation::kAttention: break;
  }
  return out;
}

at::Tensor GeneratorImpl::forward(const at::Tensor& image, const at::Tensor& attributes) { return decode(encode(image), attributes); }

Scores DiscriminatorImpl::forward(const at::Tensor& image) {
  check_image(*this, image);
  return score(image);
}

}  // namespace secgan
