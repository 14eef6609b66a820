#pragma once
/// bfloat16 autocast for a scope: LibTorch has the machinery but no guard in C++.

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>

#include <algorithm>
#include <optional>

#include "secgan/core/error.hpp"

namespace secgan {

/// Whether LibTorch has autocast for a device.
inline bool has_autocast(at::DeviceType device) {
  const auto& types = at::autocast::_AUTOCAST_SUPPORTED_DEVICES;
  return std::ranges::find(types, device) != types.end();
}

/// What convolutions and matrix products run in on that device here; nullopt: in their inputs' own type.
inline std::optional<at::ScalarType> autocast_type(at::DeviceType device) {
  if (!has_autocast(device) || !at::autocast::is_autocast_enabled(device)) return std::nullopt;
  return at::autocast::get_autocast_dtype(device);
}

/// Within its scope, convolutions and matrix products on `device` run in bfloat16, or, with `enabled` false, in their
/// inputs' own type. Weights stay float32.
/// @throws InvalidArgument for bfloat16 on a device for which LibTorch has no autocast
class AutocastGuard {
 public:
  explicit AutocastGuard(bool enabled, at::DeviceType device = at::kCPU) : device_(device), known_(has_autocast(device)) {
    if (!known_) {
      if (enabled) throw InvalidArgument("bfloat16 must be off on the device " + c10::DeviceTypeName(device, true) + ", found on");
      return;
    }
    before_ = at::autocast::is_autocast_enabled(device);
    dtype_ = at::autocast::get_autocast_dtype(device);
    cache_ = at::autocast::is_autocast_cache_enabled();
    at::autocast::set_autocast_enabled(device_, enabled);
    if (enabled) at::autocast::set_autocast_dtype(device_, at::kBFloat16);
    // Inside somebody else's region copies of the weights would outlive the optimizer's step.
    if (at::autocast::increment_nesting() > 1) at::autocast::set_autocast_cache_enabled(false);
  }
  ~AutocastGuard() {
    if (!known_) return;
    // The outermost guard drops the cached bfloat16 copies of the weights: the optimizer is about to change them.
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, before_);
    at::autocast::set_autocast_dtype(device_, dtype_);
    at::autocast::set_autocast_cache_enabled(cache_);
  }
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  at::DeviceType device_;
  bool known_;
  bool before_ = false;
  at::ScalarType dtype_ = at::kBFloat16;
  bool cache_ = true;
};

}  // namespace secgan
