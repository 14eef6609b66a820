#pragma once
/// What training asks of a network, an optimizer and a parser. Nothing has to be inherited; anything that is used
/// through `->` fits: LibTorch's module holders, shared pointers, plain pointers.

#include <ATen/core/Tensor.h>

#include <concepts>
#include <optional>
#include <vector>

#include "secgan/core/scores.hpp"

namespace secgan {

/// forward(image [N, C, H, W], difference [N, A]) -> edit [N, C, H, W]. A mask branch's generator returns logits.
template <class G>
concept GeneratorLike = requires(G& g, const at::Tensor& image, const at::Tensor& difference) {
  { g->forward(image, difference) } -> std::convertible_to<at::Tensor>;
  { g->parameters() } -> std::convertible_to<std::vector<at::Tensor>>;
};

/// A generator in two halves: edit and reconstruction of one image then share the encoder's work.
template <class G>
concept EncoderDecoder = GeneratorLike<G> && requires(G& g, const at::Tensor& image, const at::Tensor& difference) {
  { g->decode(g->encode(image), difference) } -> std::convertible_to<at::Tensor>;
  { g->encode(image) } -> std::convertible_to<std::vector<at::Tensor>>;
};

template <class D>
concept DiscriminatorLike = requires(D& d, const at::Tensor& image) {
  { d->forward(image) } -> std::convertible_to<Scores>;
  { d->parameters() } -> std::convertible_to<std::vector<at::Tensor>>;
};

/// A discriminator that can tell that it scores each image by itself: real and fake ones then go through it as one batch.
template <class D>
concept PerSample = DiscriminatorLike<D> && requires(const D& d) {
  { d->per_sample() } -> std::convertible_to<bool>;
};

/// A discriminator that may know how to take a gradient penalty without a graph.
template <class D>
concept Penalizable = DiscriminatorLike<D> && requires(D& d, const at::Tensor& image) {
  { d->penalized_scores(image, image, image) } -> std::convertible_to<std::optional<PenalizedScores>>;
};

/// secgan::Adam, and every optimizer of torch::optim.
template <class O>
concept OptimizerLike = requires(O& o) {
  o.step();
  o.zero_grad();
};

/// A frozen parser: photo [N, 3, H, W] in [-1, 1] -> log-probabilities [N, K, H, W], differentiable in the photo.
template <class P>
concept ParserLike = requires(P& p, const at::Tensor& photo) {
  { p.log_probabilities(photo) } -> std::convertible_to<at::Tensor>;
};

}  // namespace secgan
