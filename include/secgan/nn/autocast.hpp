#pragma once
/// bfloat16 autocast for a scope: LibTorch has the machinery but no guard in C++.

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>

namespace secgan {

/// Within its scope, convolutions and matrix products on `device` run in bfloat16, or, with `enabled` false, in their
/// inputs' own type. Weights stay float32.
class AutocastGuard {
 public:
  explicit AutocastGuard(bool enabled, at::DeviceType device = at::kCPU)
      : device_(device),
        before_(at::autocast::is_autocast_enabled(device)),
        dtype_(at::autocast::get_autocast_dtype(device)),
        cache_(at::autocast::is_autocast_cache_enabled()) {
    at::autocast::set_autocast_enabled(device_, enabled);
    if (enabled) at::autocast::set_autocast_dtype(device_, at::kBFloat16);
    // Inside somebody else's region copies of the weights would outlive the optimizer's step.
    if (at::autocast::increment_nesting() > 1) at::autocast::set_autocast_cache_enabled(false);
  }
  ~AutocastGuard() {
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
  bool before_;
  at::ScalarType dtype_;
  bool cache_;
};

}  // namespace secgan
