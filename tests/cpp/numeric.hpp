#pragma once
/// Numeric oracles for the tests: central differences of first and second order in float64.

#include <torch/torch.h>

#include <functional>

namespace secgan::testing {

using ScalarFunction = std::function<at::Tensor(const at::Tensor&)>;

/// Central differences of a scalar function; error O(h^2), round-off about 1e-16 / h.
inline at::Tensor numeric_gradient(const ScalarFunction& f, const at::Tensor& at_point, double h = 1e-6) {
  at::Tensor point = at_point.detach().clone().contiguous();
  at::Tensor gradient = at::zeros_like(point);
  double* const values = point.data_ptr<double>();
  double* const out = gradient.data_ptr<double>();
  for (int64_t i = 0; i < point.numel(); ++i) {
    const double kept = values[i];
    values[i] = kept + h;
    const double above = f(point.detach()).item<double>();
    values[i] = kept - h;
    const double below = f(point.detach()).item<double>();
    values[i] = kept;
    out[i] = (above - below) / (2 * h);
  }
  return gradient;
}

inline at::Tensor analytic_gradient(const ScalarFunction& f, const at::Tensor& at_point) {
  const at::Tensor x = at_point.detach().clone().requires_grad_(true);
  return torch::autograd::grad({f(x)}, {x})[0];
}

/// The gradient of <gradient of f, direction>: a Hessian-vector product through double backward.
inline at::Tensor analytic_hessian_product(const ScalarFunction& f, const at::Tensor& at_point, const at::Tensor& direction) {
  const at::Tensor x = at_point.detach().clone().requires_grad_(true);
  const at::Tensor gradient = torch::autograd::grad({f(x)}, {x}, {}, true, /*create_graph=*/true)[0];
  return torch::autograd::grad({(gradient * direction).sum()}, {x})[0];
}

/// The same product from central differences of the analytic gradient along `direction`.
inline at::Tensor numeric_hessian_product(const ScalarFunction& f, const at::Tensor& at_point, const at::Tensor& direction,
                                          double h = 1e-5) {
  return (analytic_gradient(f, at_point + h * direction) - analytic_gradient(f, at_point - h * direction)) / (2 * h);
}

inline double max_difference(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

inline at::Tensor randn64(at::IntArrayRef shape) { return torch::randn(shape, torch::kFloat64); }

}  // namespace secgan::testing
