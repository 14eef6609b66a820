#pragma once
/// Rules that several callers share and that no list of fields states (secgan/core/fields.hpp).

#include <cstdint>
#include <string_view>

#include "core/format.hpp"
#include "secgan/core/error.hpp"

namespace secgan {

inline void require_positive(std::string_view name, int64_t value) {
  if (value < 1) throw InvalidArgument(fmt::format("{} {} is not positive", name, value));
}

/// Every layer halves the side, so it must divide by 2^layers.
inline void require_multiple(int64_t image_size, int64_t layers) {
  const int64_t multiple = int64_t{1} << layers;
  if (image_size < multiple || image_size % multiple != 0) {
    throw InvalidArgument(fmt::format("image_size {} is not a multiple of {}", image_size, multiple));
  }
}

}  // namespace secgan
