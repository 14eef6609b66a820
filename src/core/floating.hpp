#pragma once

#include <ATen/core/Tensor.h>

#include <string_view>

#include "core/dtype.hpp"
#include "core/format.hpp"
#include "secgan/core/error.hpp"

namespace secgan {

/// uint8 photos straight from a file would fail deep inside, without a name.
inline void check_floating(const at::Tensor& tensor, std::string_view name) {
  if (tensor.is_floating_point()) return;
  throw InvalidArgument(fmt::format("{} must be floating point, found {}", name, dtype_name(tensor)));
}

}  // namespace secgan
