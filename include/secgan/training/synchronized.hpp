#pragma once
/// What keeps the networks of several processes the same: mean gradients, mean running statistics.

#include <torch/nn/module.h>

#include <utility>
#include <vector>

#include "secgan/training/concepts.hpp"
#include "secgan/training/process_group.hpp"

namespace secgan {

/// An optimizer over an optimizer: each step is taken with the mean of all processes' gradients.
template <OptimizerLike O>
class Synchronized {
 public:
  /// @param processes  outlive it
  Synchronized(O optimizer, const ProcessGroup& processes) : optimizer_(std::move(optimizer)), processes_(&processes) {}

  void zero_grad() { optimizer_.zero_grad(); }
  void scale_gradients(double factor) { optimizer_.scale_gradients(factor); }
  void step() {
    processes_->average_gradients(optimizer_.parameters());
    optimizer_.step();
  }
  O& inner() { return optimizer_; }

 private:
  O optimizer_;
  const ProcessGroup* processes_;
};

/// Running statistics of norms become means over the processes, each of which sees its own share of a batch.
inline void average_statistics(const ProcessGroup& processes, const std::vector<const torch::nn::Module*>& networks) {
  if (processes.size() == 1) return;
  std::vector<at::Tensor> statistics;
  for (const torch::nn::Module* network : networks) {
    for (const at::Tensor& buffer : network->buffers()) {
      if (buffer.is_floating_point()) statistics.push_back(buffer);
    }
  }
  processes.average(statistics);
}

}  // namespace secgan
