#pragma once
/// Rules on network options that several backbones share.

#include <cstdint>
#include <string_view>

#include "core/format.hpp"
#include "secgan/core/error.hpp"

namespace secgan {

inline void require_positive(std::string_view name, int64_t value) {
  if (value < 1) throw InvalidArgument(fmt::format("{} {} is not positive", name, value));
}

inline void require_not_negative(std::string_view name, int64_t value) {
  if (value < 0) throw InvalidArgument(fmt::format("{} {} is negative", name, value));
}

inline void require_odd(std::string_view name, int64_t value) {
  if (value < 1 || value % 2 == 0) throw InvalidArgument(fmt::format("{} {} is not odd and positive", name, value));
}

/// Of a norm that keeps running statistics.
inline void require_statistics(std::string_view epsilon_name, double epsilon, std::string_view momentum_name, double momentum) {
  if (!(epsilon > 0)) throw InvalidArgument(fmt::format("{} {} is not positive", epsilon_name, epsilon));
  if (!(momentum > 0 && momentum <= 1)) throw InvalidArgument(fmt::format("{} {} is not in (0, 1]", momentum_name, momentum));
}

inline void require_layers(std::string_view name, int64_t layers) {
  if (layers < 2 || layers > 8) throw InvalidArgument(fmt::format("{} {} is not between 2 and 8", name, layers));
}

/// Every layer halves the side, so it must divide by 2^layers.
inline void require_multiple(int64_t image_size, int64_t layers) {
  const int64_t multiple = int64_t{1} << layers;
  if (image_size < multiple || image_size % multiple != 0) {
    throw InvalidArgument(fmt::format("image_size {} is not a multiple of {}", image_size, multiple));
  }
}

}  // namespace secgan
