#pragma once
/// The frozen parser: any segmentation network as SeCGAN's P, from photos in [-1, 1] to the classes that are wanted.

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <tuple>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/core/labels.hpp"
#include "secgan/image/normalization.hpp"
#include "secgan/ops/segmentation.hpp"
#include "secgan/parsing/parser.hpp"

namespace secgan {

/// Calls a network: photo [N, 3, H, W], normalized -> logits [N, input classes, h, w].
using ParserFunction = std::function<at::Tensor(const at::Tensor&)>;

/// Puts a network into evaluation mode and its parameters out of every gradient. The photo keeps its gradient: that
/// is how the consistency loss reaches the generator.
SECGAN_API void freeze(torch::nn::Module& network);

/// How a parser's network is to be called. The defaults are those of the public BiSeNet parsers.
struct FaceParserOptions {
  Labels labels = Labels::kFaceParsing;
  PhotoNormalization normalization = PhotoNormalization::kImagenet;
  int64_t input_size = 0;

  static constexpr auto fields() {
    using O = FaceParserOptions;
    return std::tuple{
        field<&O::labels>("the order of its classes"),
        field<&O::normalization>("how it expects its photos"),
        field<&O::input_size>("side to which photos are resized for it (bilinear); 0: as they come", rule::kExtentOrNone),
    };
  }
};

/// Copies share the network.
class SECGAN_API FaceParser {
 public:
  /// A network of this library, as bundles hold it. It is frozen from here on.
  FaceParser(Parser network, const FaceParserOptions& options);
  /// Any network, called as it is: freeze it first. No bundle holds such a parser.
  FaceParser(ParserFunction network, const FaceParserOptions& options);
  /// The same with groups of classes that no label set names.
  FaceParser(ParserFunction network, ClassMerge merge, PhotoNormalization normalization, int64_t input_size = 0);
  // All @throws InvalidArgument for no network, a negative input_size, or a network whose classes are not the labels'.

  /// @param photo [N, 3, H, W] in [-1, 1]   @return [N, K, H, W] log-probabilities, float32 or float64,
  /// differentiable in the photo.  @throws InvalidArgument when the network's output does not fit the merge.
  at::Tensor log_probabilities(const at::Tensor& photo) const;
  /// The same before its log-probabilities are computed, for consistency terms.
  Segmentation segmentation(const at::Tensor& photo) const;
  /// exp of log_probabilities.
  at::Tensor probabilities(const at::Tensor& photo) const;
  /// @return [N, H, W] uint8 class ids
  at::Tensor ids(const at::Tensor& photo) const;

  int64_t classes() const { return merge_.output_classes(); }
  /// A network from outside: a bundle cannot hold it.
  bool custom() const { return network_.is_empty(); }
  /// The network; an empty holder where it is custom.
  const Parser& network() const { return network_; }
  Parser& network() { return network_; }
  /// How it is called; the labels are the default's where groups were given.
  const FaceParserOptions& options() const { return options_; }

 private:
  Parser network_{nullptr};
  ParserFunction call_;
  ClassMerge merge_;
  FaceParserOptions options_;
};

}  // namespace secgan
