#pragma once
/// region_weights for large pictures: a band of rows at a time.

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "image/row_bands.hpp"

namespace secgan {

class RegionRows {
 public:
  /// @param region [S, S] bool
  RegionRows(const at::Tensor& region, int64_t height, int64_t width);

  /// @return [rows, width], those of region_weights(region, height, width)
  at::Tensor operator()(int64_t first, int64_t rows) { return rising_.bilinear(first, rows).mul_(inside_.nearest(first, rows))[0]; }

 private:
  ResizedRows rising_, inside_;
};

}  // namespace secgan
