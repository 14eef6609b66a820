#pragma once
/// The discriminator: how real an image looks, and which attributes it shows.

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "secgan/core/scores.hpp"
#include "secgan/models/options.hpp"

namespace secgan {

/// Interface of every discriminator that is picked at run time.
class DiscriminatorImpl : public torch::nn::Module {
 public:
  explicit DiscriminatorImpl(DiscriminatorOptions options) : options_(std::move(options)) {}

  /// @param image [N, image_channels, S, S]   @throws InvalidArgument for another shape.
  Scores forward(const at::Tensor& image);

  const DiscriminatorOptions& options() const { return options_; }
  /// Whether options() alone rebuild it. A bundle holds no other networks.
  virtual bool named() const { return true; }

 protected:
  virtual Scores score(const at::Tensor& image) = 0;

 private:
  DiscriminatorOptions options_;
};
TORCH_MODULE(Discriminator);

/// Builds the backbone that the options name.  @throws InvalidArgument when options break a rule.
Discriminator make_discriminator(const DiscriminatorOptions& options);

}  // namespace secgan
