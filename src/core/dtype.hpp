#pragma once
/// Names of element types, as Python and NumPy have them.

#include <ATen/core/Tensor.h>

#include <string>

namespace secgan {

/// "float32", "uint8", …
inline std::string dtype_name(at::ScalarType type) { return std::string(c10::getDtypeNames(type).first); }
inline std::string dtype_name(const at::Tensor& tensor) { return dtype_name(tensor.scalar_type()); }

}  // namespace secgan
