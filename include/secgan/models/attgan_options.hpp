#pragma once
/// Options of AttGAN's networks, named as in AttGAN-PyTorch.

#include <cstdint>

#include "secgan/nn/blocks.hpp"

namespace secgan {

/// AttGAN's generator (He et al., arXiv 1711.10678), as in AttGAN-PyTorch.
struct AttGanGeneratorOptions {
  int64_t enc_dim = 64;    ///< channels of the first encoder layer, then doubled
  int64_t enc_layers = 5;  ///< each halves the side
  Normalization enc_norm_fn = Normalization::kBatch;
  Activation enc_acti_fn = Activation::kLeakyRelu;
  int64_t dec_dim = 64;    ///< channels before the last decoder layer
  int64_t dec_layers = 5;  ///< must equal enc_layers
  Normalization dec_norm_fn = Normalization::kBatch;
  Activation dec_acti_fn = Activation::kRelu;
  int64_t shortcut_layers = 1;                      ///< decoder layers followed by an encoder skip; at most layers − 1
  int64_t inject_layers = 0;                        ///< decoder layers followed by the attributes again
  int64_t max_dim = 1024;                           ///< cap on every layer's channels
  double slope = 0.01;                              ///< leaky ReLU
  Upsampling upsampling = Upsampling::kTransposed;  ///< published: transposed

  static void visit(auto& self, auto&& visit) {
    visit("enc_dim", self.enc_dim);
    visit("enc_layers", self.enc_layers);
    visit("enc_norm_fn", self.enc_norm_fn);
    visit("enc_acti_fn", self.enc_acti_fn);
    visit("dec_dim", self.dec_dim);
    visit("dec_layers", self.dec_layers);
    visit("dec_norm_fn", self.dec_norm_fn);
    visit("dec_acti_fn", self.dec_acti_fn);
    visit("shortcut_layers", self.shortcut_layers);
    visit("inject_layers", self.inject_layers);
    visit("max_dim", self.max_dim);
    visit("slope", self.slope);
    visit("upsampling", self.upsampling);
  }
  void validate(int64_t image_size) const;
};

/// AttGAN's discriminator with attribute classifier, as in AttGAN-PyTorch (with the command line's ReLU heads).
struct AttGanDiscriminatorOptions {
  int64_t dim = 64;  ///< channels of the first layer, then doubled
  Normalization norm_fn = Normalization::kInstance;
  Activation acti_fn = Activation::kLeakyRelu;
  int64_t fc_dim = 1024;                            ///< width of both heads
  Normalization fc_norm_fn = Normalization::kNone;  ///< of the heads; none, batchnorm or switchnorm
  Activation fc_acti_fn = Activation::kRelu;
  int64_t n_layers = 5;    ///< each halves the side
  int64_t max_dim = 1024;  ///< cap on every layer's channels
  double slope = 0.01;     ///< leaky ReLU

  static void visit(auto& self, auto&& visit) {
    visit("dim", self.dim);
    visit("norm_fn", self.norm_fn);
    visit("acti_fn", self.acti_fn);
    visit("fc_dim", self.fc_dim);
    visit("fc_norm_fn", self.fc_norm_fn);
    visit("fc_acti_fn", self.fc_acti_fn);
    visit("n_layers", self.n_layers);
    visit("max_dim", self.max_dim);
    visit("slope", self.slope);
  }
  void validate(int64_t image_size) const;
};

}  // namespace secgan
