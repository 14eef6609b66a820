#pragma once
/// STGAN (Liu et al., arXiv 1904.09709): an encoder-decoder whose skips pass selective transfer units, which decide
/// from the difference vector what of the encoder's features an edit may keep.

#include <torch/nn/pimpl.h>

#include <torch/nn/modules/conv.h>

#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"

namespace secgan {

/// One unit: a GRU cell over scales. Features f [N, C, H, W], state [N, C', H/2, W/2], attributes [N, A]:
///   ŝ = upsample([state; a]), r = reset([f; ŝ]), z = update([f; ŝ]), h = hidden([f; r · ŝ]), output (1 − z) · ŝ + z · h.
/// State: `upsample.weight`, `{reset_gate, update_gate, hidden}.{0 conv, 1 norm}.*`.
class SelectiveTransferUnitImpl final : public torch::nn::Module {
 public:
  SelectiveTransferUnitImpl(int64_t channels, int64_t state_channels, int64_t attributes, const StganGeneratorOptions& options);

  struct Result {
    at::Tensor output;  ///< [N, C, H, W], for the decoder
    at::Tensor state;   ///< [N, C, H, W], for the next finer unit
  };
  Result forward(const at::Tensor& features, const at::Tensor& state, const at::Tensor& attributes);

 private:
  torch::nn::ConvTranspose2d upsample_;
  Block reset_gate_, update_gate_, hidden_;
  StuState passed_on_;
};
TORCH_MODULE(SelectiveTransferUnit);

/// State: `encoder.{i}.{0, 1}.*`, `stu.{s}.*` (none without units), `decoder.{i}.{0, 1, 3}.*`.
class StganGeneratorImpl final : public GeneratorImpl {
 public:
  explicit StganGeneratorImpl(const GeneratorOptions& options);

 private:
  std::vector<at::Tensor> encode_image(const at::Tensor& image) override;
  at::Tensor decode_features(const std::vector<at::Tensor>& features, const at::Tensor& attributes) override;

  std::vector<Block> encoder_;
  std::vector<SelectiveTransferUnit> units_;
  std::vector<Block> decoder_;
  int64_t shortcuts_;
  int64_t injections_;
};

/// State: `conv.{i}.{0, 1}.*`, `fc_adv.{0, 2}.*`, `fc_att.{0, 2}.*`.
class StganDiscriminatorImpl final : public DiscriminatorImpl {
 public:
  explicit StganDiscriminatorImpl(const DiscriminatorOptions& options);

 private:
  Scores score(const at::Tensor& image) override;

  std::vector<Block> conv_;
  Block adversarial_head_, attribute_head_;
};

}  // namespace secgan
