#pragma once
/// The discriminator: how real an image looks, and which attributes it shows.

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <optional>
#include <utility>

#include "secgan/core/export.hpp"
#include "secgan/core/scores.hpp"
#include "secgan/models/options.hpp"

namespace secgan {

/// Interface of every discriminator that is picked at run time.
class SECGAN_API DiscriminatorImpl : public torch::nn::Module {
 public:
  /// @param options  of the backbone; nullopt: a custom network, which no options rebuild
  explicit DiscriminatorImpl(const NetworkSpec& spec, std::optional<DiscriminatorOptions> options = std::nullopt)
      : spec_(spec), options_(std::move(options)) {}

  /// @param image [N, image_channels, S, S]   @throws InvalidArgument for another shape.
  Scores forward(const at::Tensor& image);

  const NetworkSpec& spec() const { return spec_; }
  /// Of a batch of real, fake and interpolated images each, in one pass that is differentiated by hand, as wide as autocast says.
  /// @param real, fake, between [N, image_channels, S, S], constants
  /// @return nullopt where the network is not one that the library knows how to: its graph serves then
  virtual std::optional<PenalizedScores> penalized_scores(const at::Tensor& real, const at::Tensor& fake, const at::Tensor& between) {
    return std::nullopt;
  }

  /// A network from outside: no options rebuild it.
  bool custom() const { return !options_.has_value(); }
  /// Whether an image's scores do not depend on the other images of its batch, nor change anything in the network: known of those that are
  /// built from options and keep no statistics.
  bool per_sample() const { return !custom() && buffers().empty(); }
  /// What rebuilds it.  @throws Error for a custom network.
  DiscriminatorConfig config() const;

 protected:
  virtual Scores score(const at::Tensor& image) = 0;

 private:
  NetworkSpec spec_;
  std::optional<DiscriminatorOptions> options_;
};
TORCH_MODULE(Discriminator);

/// @param options  a name ("stgan"), or a backbone's options (StganDiscriminatorOptions{…})
/// @throws InvalidArgument when options break a rule, or do not fit the data.
SECGAN_API Discriminator make_discriminator(const NetworkSpec& spec, const DiscriminatorOptions& options = {});
inline Discriminator make_discriminator(const DiscriminatorConfig& config) { return make_discriminator(config.spec, config.options); }

}  // namespace secgan
