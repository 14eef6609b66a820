#pragma once
/// Convolutions of small maps as products of matrices.
///
/// Where a convolution has more weights than caches hold and a map of few pixels, reading the weights is what it takes, and LibTorch's
/// kernels read them again for each row of the map. A product of all pixels with all weights reads them once.

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace secgan {

/// Of square kernels, strides and paddings, without dilation and groups.
struct ConvolutionShape {
  int64_t stride = 1, padding = 0;
  bool transposed = false;
};

class MapProduct {
 public:
  /// Whether the product is the faster way.
  /// @param weight [out, in, k, k]; of a transposed convolution [in, out, k, k]
  /// @param height, width  of the map with the fewer pixels: the output, of a transposed convolution the input
  static bool pays(const at::Tensor& weight, int64_t height, int64_t width);

  /// @param bias [out], or undefined
  /// @param pixels  of the maps of a batch, as a hint
  MapProduct(const at::Tensor& weight, const at::Tensor& bias, const ConvolutionShape& shape, int64_t pixels);

  /// @param x [N, in, H, W] float32   @return [N, out, H', W'], channels last
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor convolved(const at::Tensor& x) const;
  at::Tensor transposed(const at::Tensor& x) const;

  ConvolutionShape shape_;
  int64_t kernel_, outputs_;
  at::Tensor packed_, bias_;
};

}  // namespace secgan
