#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "secgan/core/named_tensors.hpp"
#include "secgan/core/named_values.hpp"

namespace secgan {

/// The numbers that scalars hold, brought from their device in one copy: reading them one by one would wait for it as often.
/// @param scalars [] each, on one device
inline NamedValues values_of(const NamedTensors& scalars) {
  if (scalars.empty()) return {};
  std::vector<at::Tensor> parts;
  for (const auto& [name, scalar] : scalars) parts.push_back(scalar.detach().reshape(1));
  const at::Tensor all = at::cat(parts).to(at::kCPU, at::kDouble);
  NamedValues values;
  for (size_t i = 0; i < scalars.size(); ++i) values.emplace_back(scalars[i].first, all[static_cast<int64_t>(i)].item<double>());
  return values;
}

}  // namespace secgan
