#pragma once
/// Objectives: weighted sums of loss terms, written as formulas.
///
///     const auto objective = 1.0 * Adversarial{} + 10.0 * AttributeRecognition{} + 100.0 * Reconstruction{};
///     LossReport report = objective(pass);   // report.total is a tensor, report["attribute"] a number

#include <ATen/ATen.h>

#include <concepts>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "secgan/core/error.hpp"
#include "secgan/core/named_tensors.hpp"

namespace secgan {

/// A small value with a name; calling it with a pass gives a scalar tensor.
template <class T>
concept LossTerm = std::copyable<T> && requires {
  { T::kName } -> std::convertible_to<std::string_view>;
};

/// The value of an objective and of each of its terms, before weighting.
struct LossReport {
  at::Tensor total;                                            ///< scalar, to be differentiated
  std::vector<std::pair<std::string_view, at::Tensor>> terms;  ///< scalars without graph, in the formula's order

  /// The value of one term, in its own unit.  @throws InvalidArgument that lists the terms.
  double operator[](std::string_view name) const {
    std::string known;
    for (const auto& [term, value] : terms) {
      if (term == name) return value.template item<double>();
      known += (known.empty() ? "" : ", ") + std::string(term);
    }
    throw InvalidArgument("loss term '" + std::string(name) + "' is unknown; " + (known.empty() ? "there is none" : "known: " + known));
  }

  /// Adds every term to a list, its name behind `prefix`.
  void append_to(NamedTensors& scalars, const std::string& prefix = {}) const {
    for (const auto& [name, value] : terms) scalars.emplace_back(prefix + std::string(name), value);
  }
};

template <LossTerm T>
struct WeightedTerm {
  double weight;
  T term;
};

/// A weighted sum of terms. A term whose weight is 0 is not computed and not reported.
template <LossTerm... Terms>
class Objective {
 public:
  explicit Objective(std::tuple<WeightedTerm<Terms>...> terms) : terms_(std::move(terms)) {}

  template <class Pass>
  LossReport operator()(const Pass& pass) const {
    LossReport report;
    const auto add = [&]<class T>(const WeightedTerm<T>& entry) {
      if (entry.weight == 0) return;
      const at::Tensor value = entry.term(pass);
      report.terms.emplace_back(T::kName, value.detach());
      const at::Tensor weighted = entry.weight * value;
      report.total = report.total.defined() ? report.total + weighted : weighted;
    };
    std::apply([&](const auto&... entries) { (add(entries), ...); }, terms_);
    if (!report.total.defined()) throw InvalidArgument("every weight of the objective is 0: nothing to minimize");
    return report;
  }

  const std::tuple<WeightedTerm<Terms>...>& terms() const { return terms_; }

 private:
  std::tuple<WeightedTerm<Terms>...> terms_;
};

template <LossTerm T>
Objective<T> operator*(double weight, T term) {
  return Objective<T>(std::tuple(WeightedTerm<T>{weight, std::move(term)}));
}

template <LossTerm... A, LossTerm... B>
Objective<A..., B...> operator+(const Objective<A...>& a, const Objective<B...>& b) {
  return Objective<A..., B...>(std::tuple_cat(a.terms(), b.terms()));
}

}  // namespace secgan
