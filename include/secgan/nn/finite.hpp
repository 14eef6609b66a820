#pragma once
/// Values that are neither infinite nor NaN.

#include <optional>
#include <string>

#include "secgan/core/export.hpp"
#include "secgan/core/named_tensors.hpp"

namespace secgan {

/// Name of the first tensor with a value that is infinite or not a number; nullopt: all are finite.
SECGAN_API std::optional<std::string> first_not_finite(const NamedTensors& tensors);

}  // namespace secgan
