#pragma once
/// One conditional GAN with its optimizers, and the passes that its loss terms see. Photos and masks alike.

#include <ATen/ATen.h>

#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "secgan/core/fast_paths.hpp"
#include "secgan/losses/adversarial.hpp"
#include "secgan/losses/objective.hpp"
#include "secgan/nn/autocast.hpp"
#include "secgan/ops/precision.hpp"
#include "secgan/training/adam.hpp"
#include "secgan/training/concepts.hpp"

namespace secgan {

template <GeneratorLike G, DiscriminatorLike D, OptimizerLike O = Adam>
struct Branch {
  using Generator = G;
  using Discriminator = D;

  G generator;
  D discriminator;
  O generator_optimizer;
  O discriminator_optimizer;
};

/// Networks with an optimizer each.
/// @param generator_optimizer, discriminator_optimizer  make one from parameters:
///        `[&](auto parameters) { return Adam(parameters, options); }`
template <GeneratorLike G, DiscriminatorLike D, class MakeForG, class MakeForD>
auto make_branch(G generator, D discriminator, const MakeForG& generator_optimizer, const MakeForD& discriminator_optimizer) {
  auto of_generator = generator_optimizer(generator->parameters());
  auto of_discriminator = discriminator_optimizer(discriminator->parameters());
  static_assert(std::is_same_v<decltype(of_generator), decltype(of_discriminator)>, "a branch has optimizers of one type");
  return Branch<G, D, decltype(of_generator)>{std::move(generator), std::move(discriminator), std::move(of_generator),
                                              std::move(of_discriminator)};
}

/// A generator's output for a difference vector and for none.
struct EditAndReconstruction {
  at::Tensor edit;            ///< G(image, difference)
  at::Tensor reconstruction;  ///< G(image, 0)
};

/// @param image [N, C, H, W]   @param difference [N, A]
/// A generator in two halves encodes once and decodes [difference; 0] as one batch of 2N: its decoder's batch norm
/// then sees both at once.
template <GeneratorLike G>
EditAndReconstruction edit_and_reconstruct(G& generator, const at::Tensor& image, const at::Tensor& difference) {
  const at::Tensor zero = at::zeros_like(difference);
  if constexpr (EncoderDecoder<G>) {
    std::vector<at::Tensor> features = generator->encode(image);
    for (at::Tensor& feature : features) feature = at::cat({feature, feature});
    const at::Tensor both = full_precision(generator->decode(features, at::cat({difference, zero})));
    const int64_t n = image.size(0);
    return {both.narrow(0, 0, n), both.narrow(0, n, n)};
  } else {
    return {full_precision(generator->forward(image, difference)), full_precision(generator->forward(image, zero))};
  }
}

template <DiscriminatorLike D>
Scores full_precision_scores(D& discriminator, const at::Tensor& image) {
  const Scores scores = discriminator->forward(image);
  return {full_precision(scores.adversarial), full_precision(scores.attribute_logits)};
}

/// Scores of real and of fake images.
template <DiscriminatorLike D>
std::pair<Scores, Scores> real_and_fake_scores(D& discriminator, const at::Tensor& real, const at::Tensor& fake) {
  if constexpr (PerSample<D>) {
    if (fast_paths() && discriminator->per_sample()) {
      // Weights are read, and their gradients summed, once instead of twice.
      const Scores both = full_precision_scores(discriminator, at::cat({real, fake}));
      const int64_t n = real.size(0);
      return {{both.adversarial.narrow(0, 0, n), both.attribute_logits.narrow(0, 0, n)},
              {both.adversarial.narrow(0, n, n), both.attribute_logits.narrow(0, n, n)}};
    }
  }
  Scores real_scores = full_precision_scores(discriminator, real);
  return {std::move(real_scores), full_precision_scores(discriminator, fake)};
}

/// @param real, fake [N, C, H, W], constants   @param source [N, A]   @param position [N] in [0, 1]: where on the
/// segment from real to fake the gradient penalty is taken
template <DiscriminatorLike D>
DiscriminatorPass discriminator_pass(D& discriminator, const at::Tensor& real, const at::Tensor& fake, const at::Tensor& source,
                                     const at::Tensor& position) {
  const at::Tensor between = interpolate(real.detach(), fake.detach(), position.to(real.dtype()).view({-1, 1, 1, 1}));
  if constexpr (Penalizable<D>) {
    if (fast_paths()) {
      if (const std::optional<PenalizedScores> scores = discriminator->penalized_scores(real.detach(), fake.detach(), between.detach())) {
        return {.real_scores = scores->real,
                .fake_scores = {scores->fake, {}},
                .source = source,
                .interpolate = between,
                .interpolate_scores = {},
                .interpolate_gradient = scores->gradient};
      }
    }
  }
  const auto [real_scores, fake_scores] = real_and_fake_scores(discriminator, real, fake.detach());
  return {.real_scores = real_scores,
          .fake_scores = fake_scores,
          .source = source,
          .interpolate = between,
          .interpolate_scores = full_precision_scores(discriminator, between)};
}

/// The same for adversarial losses without interpolates.
/// @param penalized  whether the real images' gradient is penalized
template <DiscriminatorLike D>
DiscriminatorPass discriminator_pass_on_reals(D& discriminator, const at::Tensor& real, const at::Tensor& fake, const at::Tensor& source,
                                              bool penalized) {
  const at::Tensor seen = penalized ? real.detach().requires_grad_(true) : real.detach();
  auto [real_scores, fake_scores] = real_and_fake_scores(discriminator, seen, fake.detach());
  DiscriminatorPass pass{.real_scores = std::move(real_scores), .fake_scores = std::move(fake_scores), .source = source};
  if (penalized) pass.real = seen;
  return pass;
}

/// @param input [N, C, H, W]   @param output  what the branch's generator makes of it; an edited mask as probabilities
template <DiscriminatorLike D>
GanPass gan_pass(D& discriminator, const at::Tensor& input, const EditAndReconstruction& output, const at::Tensor& target) {
  return {.input = input,
          .reconstruction = output.reconstruction,
          .target = target,
          .edit_scores = full_precision_scores(discriminator, output.edit)};
}

namespace detail {

/// Differentiates `total` with respect to the given parameters only: networks on the way get no gradient and cost none.
inline void backward(const at::Tensor& total, const std::vector<at::Tensor>& parameters) {
  torch::autograd::backward({total}, {}, /*retain_graph=*/std::nullopt, /*create_graph=*/false, parameters);
}

}  // namespace detail

/// One step of an optimizer towards a smaller `total`, for that network alone. Its gradients are gone then: those of four networks at once
/// would be an eighth of a training's memory.
template <class Network, OptimizerLike O>
void minimize(const at::Tensor& total, Network& network, O& optimizer) {
  optimizer.zero_grad();
  detail::backward(total, network->parameters());
  optimizer.step();
  optimizer.zero_grad();
}

}  // namespace secgan
