#pragma once
/// The frozen parser: any segmentation network as SeCGAN's P, from photos in [-1, 1] to its own classes.

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "secgan/core/labels.hpp"
#include "secgan/image/normalization.hpp"

namespace secgan {

/// Calls a network: photo [N, 3, H, W], normalized -> logits [N, input classes, h, w].
using ParserFunction = std::function<at::Tensor(const at::Tensor&)>;

/// Puts a network into evaluation mode and its parameters out of every gradient. The photo keeps its gradient: that
/// is how the consistency loss reaches the generator.
void freeze(torch::nn::Module& network);

class FaceParser {
 public:
  /// @param network    called as it is; freeze it first
  /// @param merge      from the network's classes to the ones wanted
  /// @param input_size side to which photos are resized for the network (bilinear); nullopt: as they come
  FaceParser(ParserFunction network, ClassMerge merge, PhotoNormalization normalization, std::optional<int64_t> input_size = std::nullopt);

  /// @param photo [N, 3, H, W] in [-1, 1]   @return [N, K, H, W] log-probabilities, float32 or float64,
  /// differentiable in the photo.  @throws InvalidArgument when the network's answer does not fit the merge.
  at::Tensor log_probabilities(const at::Tensor& photo) const;
  /// exp of the above.
  at::Tensor probabilities(const at::Tensor& photo) const;
  /// @return [N, H, W] uint8 class ids
  at::Tensor ids(const at::Tensor& photo) const;

  int64_t classes() const { return merge_.output_classes(); }

 private:
  ParserFunction network_;
  ClassMerge merge_;
  PhotoNormalization normalization_;
  std::optional<int64_t> input_size_;
};

}  // namespace secgan
