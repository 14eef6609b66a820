#pragma once
/// Shape checks that every door shares, with messages that name the argument.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <initializer_list>
#include <sstream>
#include <string>
#include <string_view>

#include "secgan/core/error.hpp"

namespace secgan {

/// Any extent is accepted in this place of an expected shape.
inline constexpr int64_t kAny = -1;

/// Throws InvalidArgument unless `tensor` has the expected shape, and lies in memory as plain tensors do.
/// @param name      the argument's name, first word of the message
/// @param expected  one extent per dimension; kAny accepts every extent
/// @param letters   how the documentation writes the shape, as "[N, K, H, W]"
inline void check_shape(const at::Tensor& tensor, std::string_view name, std::initializer_list<int64_t> expected,
                        std::string_view letters) {
  if (tensor.defined() && (tensor.layout() != at::kStrided || tensor.is_nested()))
    throw InvalidArgument(std::string(name) + " must be a dense tensor, found a sparse, nested or packed one");
  bool fits = tensor.defined() && tensor.dim() == static_cast<int64_t>(expected.size());
  int64_t dimension = 0;
  for (const int64_t extent : expected) {
    if (!fits) break;
    fits = extent == kAny || tensor.sym_size(dimension) == extent;
    ++dimension;
  }
  if (fits) return;
  std::ostringstream message;
  message << name << " must be " << letters;
  bool named = false;
  dimension = 0;
  for (const int64_t extent : expected) {
    if (extent != kAny) message << (named ? ", " : " with ") << "dimension " << dimension << " = " << extent;
    named = named || extent != kAny;
    ++dimension;
  }
  message << ", found ";
  if (tensor.defined()) {
    message << tensor.sym_sizes();
  } else {
    message << "an undefined tensor";
  }
  throw InvalidArgument(message.str());
}

/// Throws InvalidArgument unless both tensors have one shape.
inline void check_same_shape(const at::Tensor& a, std::string_view a_name, const at::Tensor& b, std::string_view b_name) {
  if (a.sym_sizes() == b.sym_sizes()) return;
  std::ostringstream message;
  message << a_name << " and " << b_name << " must have the same shape, found " << a.sym_sizes() << " and " << b.sym_sizes();
  throw InvalidArgument(message.str());
}

}  // namespace secgan
