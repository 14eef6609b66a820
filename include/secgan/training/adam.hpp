#pragma once
/// Adam (Kingma and Ba, arXiv 1412.6980) in one fused pass; torch::optim has the slow one only.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "secgan/core/fields.hpp"

namespace secgan {

struct AdamOptions {
  double learning_rate = 2e-4;
  double beta1 = 0.5;
  double beta2 = 0.999;
  double epsilon = 1e-8;

  static constexpr auto fields() {
    using O = AdamOptions;
    return std::tuple{
        field<&O::learning_rate>("size of a step", rule::kPositive),
        field<&O::beta1>("decay of the gradients' running mean", rule::kBelowOne),
        field<&O::beta2>("decay of their squares' running mean", rule::kBelowOne),
        field<&O::epsilon>("added to the root of that mean", rule::kPositive),
    };
  }
};

class Adam {
 public:
  /// @param parameters float leaves that require a gradient
  explicit Adam(std::vector<at::Tensor> parameters, AdamOptions options = {}) : parameters_(std::move(parameters)), options_(options) {
    validate(options_);
    for (const at::Tensor& parameter : parameters_) {
      first_moments_.push_back(at::zeros_like(parameter));
      second_moments_.push_back(at::zeros_like(parameter));
      steps_.push_back(at::zeros({}, parameter.options().dtype(at::kFloat).requires_grad(false)));
    }
  }

  const AdamOptions& options() const { return options_; }
  const std::vector<at::Tensor>& parameters() const { return parameters_; }
  /// The rate of the next steps, for a schedule to set.
  void set_learning_rate(double rate) { options_.learning_rate = rate; }

  void zero_grad() {
    for (at::Tensor& parameter : parameters_) parameter.mutable_grad().reset();
  }

  /// For means of gradients that were collected over several passes.
  void scale_gradients(double factor) {
    for (at::Tensor& parameter : parameters_) {
      if (parameter.grad().defined()) parameter.mutable_grad().mul_(factor);
    }
  }

  /// Parameters without a gradient stay as they are.
  void step() {
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> parameters, gradients, first, second, steps;
    for (size_t i = 0; i < parameters_.size(); ++i) {
      if (!parameters_[i].grad().defined()) continue;
      parameters.push_back(parameters_[i]);
      gradients.push_back(parameters_[i].grad());
      first.push_back(first_moments_[i]);
      second.push_back(second_moments_[i]);
      steps.push_back(steps_[i]);
    }
    if (parameters.empty()) return;
    at::_foreach_add_(steps, 1);
    at::_fused_adam_(parameters, gradients, first, second, {}, steps, options_.learning_rate, options_.beta1, options_.beta2,
                     /*weight_decay=*/0.0, options_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
  }

  /// Calls visit(name, tensor&) for every tensor that a checkpoint must keep.
  void visit_state(auto&& visit) {
    for (size_t i = 0; i < parameters_.size(); ++i) {
      visit("first_moment." + std::to_string(i), first_moments_[i]);
      visit("second_moment." + std::to_string(i), second_moments_[i]);
      visit("step." + std::to_string(i), steps_[i]);
    }
  }

 private:
  std::vector<at::Tensor> parameters_;
  AdamOptions options_;
  std::vector<at::Tensor> first_moments_;
  std::vector<at::Tensor> second_moments_;
  std::vector<at::Tensor> steps_;
};

}  // namespace secgan
