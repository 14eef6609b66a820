#pragma once
/// Options of StarGAN's networks (Choi et al., arXiv 1711.09020), named as in the public version.

#include <cstdint>

#include "secgan/nn/blocks.hpp"

namespace secgan {

struct StarGanGeneratorOptions {
  int64_t conv_dim = 64;                                    ///< channels at full size, then doubled twice
  int64_t repeat_num = 6;                                   ///< residual blocks at a quarter of the side
  Normalization norm_fn = Normalization::kTrackedInstance;  ///< PyTorch's eval mode: instancenorm-running
  Upsampling upsampling = Upsampling::kTransposed;          ///< published: transposed

  static void visit(auto& self, auto&& visit) {
    visit("conv_dim", self.conv_dim);
    visit("repeat_num", self.repeat_num);
    visit("norm_fn", self.norm_fn);
    visit("upsampling", self.upsampling);
  }
  void validate(int64_t image_size) const;
};

struct StarGanDiscriminatorOptions {
  int64_t conv_dim = 64;   ///< channels of the first layer, then doubled
  int64_t repeat_num = 6;  ///< layers; each halves the side
  double slope = 0.01;     ///< leaky ReLU
  int64_t max_dim = 0;     ///< cap on every layer's channels; 0: none, as published

  static void visit(auto& self, auto&& visit) {
    visit("conv_dim", self.conv_dim);
    visit("repeat_num", self.repeat_num);
    visit("slope", self.slope);
    visit("max_dim", self.max_dim);
  }
  void validate(int64_t image_size) const;
};

}  // namespace secgan
