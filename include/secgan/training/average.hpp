#pragma once
/// Exponential moving average of a network: what is kept, shown and shipped.

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/nn/state.hpp"

namespace secgan {

/// average <- decay average + (1 - decay) live, over parameters and floating-point buffers; others are copied.
/// Early on the decay is (1 + step) / (10 + step), so that the random beginning is soon forgotten. With a decay of 0 the average is the
/// live network, and takes no memory.
class SECGAN_API MovingAverage {
 public:
  /// @param live, average modules of one structure; `average` is overwritten with `live` at once, and is not trained.
  MovingAverage(const torch::nn::Module& live, torch::nn::Module& average, double decay) : decay_(decay) {
    if (decay > 0) {
      copy_module_state(live, average);
    } else {
      const NamedTensors from = module_state(live), into = module_state(average);
      for (size_t i = 0; i < from.size(); ++i) at::Tensor(into[i].second).set_data(from[i].second.detach());
    }
    for (at::Tensor& parameter : average.parameters()) parameter.requires_grad_(false);
    average.eval();
    if (decay == 0) return;
    const NamedTensors from = module_state(live), into = module_state(average);
    for (size_t i = 0; i < from.size(); ++i) {
      const bool floating = from[i].second.is_floating_point();
      (floating ? live_ : copied_from_).push_back(from[i].second);
      (floating ? average_ : copied_).push_back(into[i].second);
    }
  }

  /// @param step from 0
  void update(int64_t step) {
    if (decay_ == 0) return;
    at::NoGradGuard no_grad;
    const double decay = std::min(decay_, (1.0 + static_cast<double>(step)) / (10.0 + static_cast<double>(step)));
    at::_foreach_lerp_(average_, live_, 1 - decay);
    for (size_t i = 0; i < copied_.size(); ++i) copied_[i].copy_(copied_from_[i]);
  }

 private:
  double decay_;
  std::vector<at::Tensor> live_, average_, copied_from_, copied_;
};

}  // namespace secgan
