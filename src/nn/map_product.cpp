#include "nn/map_product.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "nn/inductor_op.hpp"

namespace secgan {
namespace {

/// [rows, in] times the weights that are packed, [rows, out].
at::Tensor product(const at::Tensor& rows, const at::Tensor& packed, const at::Tensor& bias) {
  return inductor_op("mkldnn::_linear_pointwise", {rows, packed, bias.defined() ? c10::IValue(bias) : c10::IValue(), "none",
                                                   c10::List<std::optional<at::Scalar>>(), c10::IValue()});
}

/// Pixels as rows, [N·H·W, C].
at::Tensor as_rows(const at::Tensor& x) { return x.permute({0, 2, 3, 1}).reshape({-1, x.size(1)}); }

/// Which of a kernel's places reach an output place, and from which input place.
struct Taps {
  std::vector<std::pair<int64_t, int64_t>> places;  ///< in the kernel, in the input

  Taps(int64_t output, int64_t kernel, const ConvolutionShape& shape, int64_t inputs) {
    for (int64_t k = 0; k < kernel; ++k) {
      const int64_t from = output + shape.padding - k;
      if (from >= 0 && from % shape.stride == 0 && from / shape.stride < inputs) places.emplace_back(k, from / shape.stride);
    }
  }
};

}  // namespace

bool MapProduct::pays(const at::Tensor& weight, int64_t height, int64_t width) {
  constexpr int64_t kMostPixels = 64, kFewestWeights = 4'000'000;
  return height * width <= kMostPixels && weight.numel() >= kFewestWeights;
}

MapProduct::MapProduct(const at::Tensor& weight, const at::Tensor& bias, const ConvolutionShape& shape, int64_t pixels)
    : shape_(shape), kernel_(weight.size(2)), outputs_(weight.size(shape.transposed ? 1 : 0)), bias_(bias) {
  const at::Tensor rows = shape.transposed ? weight.permute({2, 3, 1, 0}).reshape({-1, weight.size(0)}) : weight.flatten(1);
  packed_ = inductor_op("mkldnn::_reorder_linear_weight", {rows.contiguous(), pixels});
}

at::Tensor MapProduct::operator()(const at::Tensor& x) const { return shape_.transposed ? transposed(x) : convolved(x); }

at::Tensor MapProduct::convolved(const at::Tensor& x) const {
  const auto side = [&](int64_t length) { return (length + 2 * shape_.padding - kernel_) / shape_.stride + 1; };
  const at::Tensor columns =
      at::im2col(x.contiguous(), {kernel_, kernel_}, {1, 1}, {shape_.padding, shape_.padding}, {shape_.stride, shape_.stride});
  const at::Tensor rows = columns.transpose(1, 2).reshape({-1, columns.size(1)});
  return product(rows, packed_, bias_).view({x.size(0), side(x.size(2)), side(x.size(3)), outputs_}).permute({0, 3, 1, 2});
}

at::Tensor MapProduct::transposed(const at::Tensor& x) const {
  const int64_t photos = x.size(0), height = x.size(2), width = x.size(3), places = kernel_ * kernel_;
  const auto side = [&](int64_t length) { return (length - 1) * shape_.stride - 2 * shape_.padding + kernel_; };
  // What each pixel gives to each place of the kernel, [N·H·W, k·k, out]; an output pixel is the sum of what reaches it.
  const at::Tensor given = product(as_rows(x), packed_, at::Tensor());
  const int64_t rows = side(height), columns = side(width);
  at::Tensor out = at::empty({photos, rows, columns, outputs_}, x.options());
  const float* const from = given.const_data_ptr<float>();
  const float* const bias = bias_.defined() ? bias_.const_data_ptr<float>() : nullptr;
  float* const to = out.mutable_data_ptr<float>();
  at::parallel_for(0, photos * rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t photo = i / rows;
      const Taps down(i % rows, kernel_, shape_, height);
      for (int64_t column = 0; column < columns; ++column) {
        float* const sum = to + (i * columns + column) * outputs_;
        if (bias != nullptr) {
          std::copy_n(bias, outputs_, sum);
        } else {
          std::fill_n(sum, outputs_, 0.0F);
        }
        for (const auto& [ky, y] : down.places) {
          for (const auto& [kx, x_in] : Taps(column, kernel_, shape_, width).places) {
            const float* const part = from + (((photo * height + y) * width + x_in) * places + ky * kernel_ + kx) * outputs_;
            std::transform(sum, sum + outputs_, part, sum, std::plus<float>());
          }
        }
      }
    }
  });
  return out.permute({0, 3, 1, 2});
}

}  // namespace secgan
