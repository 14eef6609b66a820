#pragma once
/// Reconstruction: the zero difference vector must give the input back.

#include <ATen/ATen.h>

#include <string_view>

#include "secgan/core/shape.hpp"
#include "secgan/losses/passes.hpp"
#include "secgan/ops/soft_cross_entropy.hpp"

namespace secgan {

/// ||x - G(x, 0)||_1, mean over all values: the photo branch.
struct Reconstruction {
  static constexpr std::string_view kName = "reconstruction";
  at::Tensor operator()(const auto& pass) const {
    check_same_shape(pass.reconstruction, "reconstruction", pass.input, "input");
    return (pass.reconstruction - pass.input).abs().mean();
  }
};

/// -(1/HW) sum s_in log softmax(G(s_in, 0)) in nats, mean over pixels and batch: the mask branch.
struct MaskReconstruction {
  static constexpr std::string_view kName = "reconstruction";
  at::Tensor operator()(const auto& pass) const { return soft_cross_entropy(pass.reconstruction, pass.input); }
};

}  // namespace secgan
