#include "secgan/metrics/kernel_distance.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "metrics/measures.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/random.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {
namespace {

constexpr int64_t kRows = 2048;  // of the kernel matrix held at once

/// (x·y / D + 1)³ of every pair.
at::Tensor kernel(const at::Tensor& a, const at::Tensor& b) { return (a.mm(b.t()) / static_cast<double>(a.size(1)) + 1).pow(3); }

/// Σ k(x, y) over all pairs, or over i ≠ j where both are one set.
double kernel_sum(const at::Tensor& a, const at::Tensor& b, bool one_set) {
  const auto dims = static_cast<double>(a.size(1));
  double sum = 0;
  for (const at::Tensor& rows : a.split(kRows)) sum += kernel(rows, b).sum().item<double>();
  return one_set ? sum - (a.square().sum(1) / dims + 1).pow(3).sum().item<double>() : sum;
}

double estimate(const at::Tensor& a, const at::Tensor& b) {
  const auto n = static_cast<double>(a.size(0)), m = static_cast<double>(b.size(0));
  return kernel_sum(a, a, true) / (n * (n - 1)) + kernel_sum(b, b, true) / (m * (m - 1)) - 2 * kernel_sum(a, b, false) / (n * m);
}

std::pair<at::Tensor, at::Tensor> checked(const at::Tensor& a, const at::Tensor& b, int64_t least) {
  check_shape(a, "a", {kAny, kAny}, "[N, D]");
  check_shape(b, "b", {kAny, a.size(1)}, "[M, D]");
  if (a.size(1) == 0) throw InvalidArgument("a must have features, found [N, 0]");
  for (const auto& [rows, name] : {std::pair{a.size(0), "a"}, std::pair{b.size(0), "b"}}) {
    if (rows < least) throw InvalidArgument(fmt::format("{} must have at least {}, found {}", name, counted(least, "row"), rows));
  }
  return {finite_float64(a, "a"), finite_float64(b, "b")};
}

}  // namespace

WeightedKernel::WeightedKernel(const at::Tensor& a, const at::Tensor& b)
    : within_a_(kernel(a, a)), within_b_(kernel(b, b)), between_(kernel(a, b)) {}

double WeightedKernel::squared_mmd(const at::Tensor& a_weights, const at::Tensor& b_weights) const {
  const auto within = [](const at::Tensor& w, const at::Tensor& k) {
    const auto all = at::dot(w, at::mv(k, w)).item<double>(), self = at::dot(w * w, k.diagonal()).item<double>();
    const auto total = w.sum().item<double>();
    return (all - self) / (total * total - at::dot(w, w).item<double>());
  };
  const auto cross = at::dot(a_weights, at::mv(between_, b_weights)).item<double>();
  return within(a_weights, within_a_) + within(b_weights, within_b_) -
         2 * cross / (a_weights.sum().item<double>() * b_weights.sum().item<double>());
}

double squared_mmd(const at::Tensor& a, const at::Tensor& b) {
  const auto [x, y] = checked(a, b, 2);
  return estimate(x, y);
}

MeanDeviation kernel_distance(const at::Tensor& a, const at::Tensor& b, const KernelDistanceOptions& options) {
  validate(options);
  const auto [x, y] = checked(a, b, options.subset_size);
  at::Generator generator = seeded_generator(options.seed);
  const auto draw = [&](const at::Tensor& from) {
    const at::Tensor order = at::randperm(from.size(0), generator, at::TensorOptions(at::kLong));
    return from.index_select(0, order.slice(0, 0, options.subset_size).to(from.device()));
  };
  std::vector<double> values;
  for (int64_t i = 0; i < options.subsets; ++i) {
    const at::Tensor from_a = draw(x);  // first, whatever order a compiler evaluates arguments in
    values.push_back(estimate(from_a, draw(y)));
  }
  return mean_deviation(values);
}

}  // namespace secgan
