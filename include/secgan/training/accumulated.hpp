#pragma once
/// Gradient accumulation as an optimizer over an optimizer.

#include <cstdint>
#include <string>
#include <utility>

#include "secgan/core/error.hpp"
#include "secgan/training/concepts.hpp"

namespace secgan {

/// Every `every`th step() steps with the mean of the gradients since the last one; zero_grad() in between keeps them.
template <OptimizerLike O>
class Accumulated {
 public:
  explicit Accumulated(O optimizer, int64_t every = 1) : optimizer_(std::move(optimizer)), every_(every) {
    if (every < 1) throw InvalidArgument("accumulate must be positive, found " + std::to_string(every));
  }

  void zero_grad() {
    if (collected_ == 0) optimizer_.zero_grad();
  }
  void step() {
    if (++collected_ < every_) return;
    if (every_ > 1) optimizer_.scale_gradients(1.0 / static_cast<double>(every_));
    optimizer_.step();
    optimizer_.zero_grad();
    collected_ = 0;
  }
  O& inner() { return optimizer_; }

 private:
  O optimizer_;
  int64_t every_;
  int64_t collected_ = 0;
};

}  // namespace secgan
