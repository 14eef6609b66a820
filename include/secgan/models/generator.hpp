#pragma once
/// The generator: photo (or mask) and difference vector in, edited photo (or mask) out.

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/models/options.hpp"

namespace secgan {

/// Interface of every generator that is picked at run time. Training and editing templates ask for less: see
/// `GeneratorLike` in secgan/training/concepts.hpp.
class SECGAN_API GeneratorImpl : public torch::nn::Module {
 public:
  /// @param options  of the backbone; nullopt: a custom network, which no options rebuild
  explicit GeneratorImpl(const NetworkSpec& spec, std::optional<GeneratorOptions> options = std::nullopt)
      : spec_(spec), options_(std::move(options)) {
    if (attention()) add_feature(spec.image_channels, spec.image_size);
  }

  /// Features of an image, finest first; the last is the bottleneck. With attention the first is the image itself.
  /// @param image [N, image_channels, S, S]; photos in [-1, 1], masks one-hot or probabilities
  /// @throws InvalidArgument for another shape.
  std::vector<at::Tensor> encode(const at::Tensor& image);
  /// The edit that the difference vector asks for.
  /// @param features what encode gave   @param attributes [N, A]   @return [N, image_channels, S, S], activated as
  /// `spec().output` says
  /// @throws InvalidArgument for features that another network's encode gave, or attributes of another shape.
  at::Tensor decode(const std::vector<at::Tensor>& features, const at::Tensor& attributes);
  /// decode(encode(image), attributes)
  at::Tensor forward(const at::Tensor& image, const at::Tensor& attributes);

  const NetworkSpec& spec() const { return spec_; }
  /// A network from outside: a bundle cannot hold it.
  bool custom() const { return !options_.has_value(); }
  /// What rebuilds it.  @throws Error for a custom network.
  GeneratorConfig config() const;

 protected:
  virtual std::vector<at::Tensor> encode_image(const at::Tensor& image) = 0;
  /// Without the output activation.
  /// @param features what encode_image gave   @return [N, spec().decoded_channels(), S, S]
  virtual at::Tensor decode_features(const std::vector<at::Tensor>& features, const at::Tensor& attributes) = 0;
  /// Channels and side of each feature map of `encode_image`; a backbone's constructor adds them in order.
  void add_feature(int64_t channels, int64_t side) { feature_shapes_.emplace_back(channels, side); }

 private:
  bool attention() const { return spec_.output == OutputActivation::kAttention; }

  NetworkSpec spec_;
  std::optional<GeneratorOptions> options_;
  std::vector<std::pair<int64_t, int64_t>> feature_shapes_;
};
TORCH_MODULE(Generator);

/// @param options  a name ("stgan"), or a backbone's options (StganGeneratorOptions{…})
/// @throws InvalidArgument when options break a rule, or do not fit the data.
SECGAN_API Generator make_generator(const NetworkSpec& spec, const GeneratorOptions& options = {});
inline Generator make_generator(const GeneratorConfig& config) { return make_generator(config.spec, config.options); }

}  // namespace secgan
