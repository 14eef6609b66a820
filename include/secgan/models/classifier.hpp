#pragma once
/// The attribute classifier: independent of every discriminator, it predicts what a photo shows and scores edits.

#include <cstdint>

#include "secgan/nn/blocks.hpp"

namespace secgan {

struct ClassifierOptions {
  int64_t attributes = 13;
  int64_t image_size = 128;  ///< side in pixels; a multiple of 32
  int64_t dim = 24;          ///< channels of the first convolution
  int64_t max_dim = 192;     ///< cap on every convolution's channels

  static void visit(auto& self, auto&& visit) {
    visit("attributes", self.attributes);
    visit("image_size", self.image_size);
    visit("dim", self.dim);
    visit("max_dim", self.max_dim);
  }
  /// @throws InvalidArgument naming the option, the rule and the value.
  void validate() const;
};

/// Convolutions 4/2/1 with batch norm down to at most 4 x 4, one 3/1/1 after every second of them, a linear layer.
/// State: `features.{i}.{0, 1}.*`, `head.0.*`.
class AttributeClassifierImpl final : public torch::nn::Module {
 public:
  explicit AttributeClassifierImpl(const ClassifierOptions& options);
  /// @param photo [N, 3, S, S] in [-1, 1]   @return [N, A] logits
  at::Tensor forward(const at::Tensor& photo);
  /// What the linear layer sees.
  /// @param photo [N, 3, S, S] in [-1, 1]   @return [N, C, S', S'] with S' at most 4, at least 0
  at::Tensor features(const at::Tensor& photo);
  const ClassifierOptions& options() const { return options_; }

 private:
  ClassifierOptions options_;
  Block features_;
  Block head_;
};
TORCH_MODULE(AttributeClassifier);

AttributeClassifier make_classifier(const ClassifierOptions& options);

}  // namespace secgan
