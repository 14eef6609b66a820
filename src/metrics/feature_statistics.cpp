#include "secgan/metrics/feature_statistics.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/counted.hpp"
#include "core/dtype.hpp"
#include "core/format.hpp"
#include "metrics/measures.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/npz.hpp"

namespace secgan {
namespace {

void check_moments(const GaussianMoments& moments) {
  check_shape(moments.mean, "mean", {kAny}, "[D]");
  check_shape(moments.covariance, "covariance", {moments.mean.size(0), moments.mean.size(0)}, "[D, D]");
}

}  // namespace

GaussianMoments weighted_moments(const at::Tensor& features, const at::Tensor& weights) {
  check_shape(features, "features", {kAny, kAny}, "[N, D]");
  check_shape(weights, "weights", {features.size(0)}, "[N]");
  constexpr int64_t kRows = 8192;  // in float64 at once
  const auto total = weights.sum().item<double>();
  const int64_t dims = features.size(1);
  at::Tensor sum = at::zeros({dims}, at::kDouble), outer = at::zeros({dims, dims}, at::kDouble);
  for (int64_t begin = 0; begin < features.size(0); begin += kRows) {
    const int64_t length = std::min(kRows, features.size(0) - begin);
    const at::Tensor part = features.narrow(0, begin, length).to(at::kDouble);
    const at::Tensor weighted = part * weights.narrow(0, begin, length).unsqueeze(1);
    sum += weighted.sum(0);
    outer += at::matmul(weighted.t(), part);
  }
  const at::Tensor mean = sum / total;
  return {mean, (outer - total * at::outer(mean, mean)) / (total - 1), std::nullopt};
}

GaussianMoments load_moments(const std::filesystem::path& file) {
  const NamedTensors arrays = load_npz(file, {"mu", "sigma", "count"});
  const auto find = [&](std::string_view name) -> const at::Tensor* {
    for (const auto& [key, tensor] : arrays) {
      if (key == name) return &tensor;
    }
    return nullptr;
  };
  const auto fail = [&](std::string_view what) -> void { throw Error(fmt::format("{}: {}", file.string(), what)); };
  GaussianMoments moments;
  for (const auto& [name, into] : {std::pair{"mu", &moments.mean}, std::pair{"sigma", &moments.covariance}}) {
    const at::Tensor* const found = find(name);
    if (found == nullptr) fail(fmt::format("no array '{}': not saved feature statistics", name));
    if (!found->is_floating_point()) fail(fmt::format("'{}' must be float64 or float32, found {}", name, dtype_name(*found)));
    *into = found->to(at::kDouble);
    if (!at::isfinite(*into).all().item<bool>()) fail(fmt::format("'{}' holds values that are not finite", name));
  }
  if (moments.mean.dim() != 1 || moments.mean.numel() == 0 ||
      moments.covariance.sizes() != at::IntArrayRef{moments.mean.size(0), moments.mean.size(0)}) {
    fail(fmt::format("'mu' and 'sigma' must be [D] and [D, D], found {} and {}", moments.mean.sizes(), moments.covariance.sizes()));
  }
  if (const at::Tensor* const count = find("count")) {
    if (count->numel() != 1 || !at::isIntegralType(count->scalar_type(), false) || count->item<int64_t>() < 2) {
      fail("'count' must be one integer of at least 2");
    }
    moments.count = count->item<int64_t>();
  }
  return moments;
}

void save_moments(const std::filesystem::path& file, const GaussianMoments& moments) {
  check_moments(moments);
  NamedTensors arrays{{"mu", moments.mean.to(at::kDouble)}, {"sigma", moments.covariance.to(at::kDouble)}};
  if (moments.count) arrays.emplace_back("count", at::scalar_tensor(*moments.count, at::kLong));
  write_file(file, encode_npz(arrays));
}

FeatureStatistics::FeatureStatistics(int64_t dims) {
  if (dims < 1) throw InvalidArgument(fmt::format("dims must be positive, found {}", dims));
  count_ = at::zeros({}, at::kLong);
  sum_ = at::zeros({dims}, at::kDouble);
  products_ = at::zeros({dims, dims}, at::kDouble);
}

FeatureStatistics::FeatureStatistics(const GaussianMoments& moments) {
  check_moments(moments);
  if (!moments.count) throw InvalidArgument("moments carry no count of samples: they can be compared with others, not continued or merged");
  const at::Tensor mean = moments.mean.to(at::kDouble);
  const auto count = static_cast<double>(*moments.count);
  count_ = at::scalar_tensor(*moments.count, at::kLong);
  sum_ = mean * count;
  products_ = moments.covariance.to(at::kDouble) * (count - 1) + at::outer(mean, mean) * count;
}

FeatureStatistics::FeatureStatistics(at::Tensor count, at::Tensor sum, at::Tensor products)
    : count_(std::move(count)), sum_(std::move(sum)), products_(std::move(products)) {
  check_shape(count_, "count", {}, "[]");
  check_shape(sum_, "sum", {kAny}, "[D]");
  check_shape(products_, "products", {sum_.size(0), sum_.size(0)}, "[D, D]");
  if (count_.scalar_type() != at::kLong || sum_.scalar_type() != at::kDouble || products_.scalar_type() != at::kDouble) {
    throw InvalidArgument(fmt::format("count, sum and products must be int64, float64 and float64, found {}, {} and {}", dtype_name(count_),
                                      dtype_name(sum_), dtype_name(products_)));
  }
}

void FeatureStatistics::update(const at::Tensor& features) {
  check_shape(features, "features", {kAny, dims()}, "[N, D]");
  const at::Tensor x = finite_float64(features, "features").to(sum_.device());
  count_ += x.size(0);
  sum_ += x.sum(0);
  products_.addmm_(x.t(), x);
}

void FeatureStatistics::merge(const FeatureStatistics& other) {
  if (other.dims() != dims()) {
    throw InvalidArgument(
        fmt::format("statistics of {} cannot be merged with statistics of {}", counted(dims(), "dimension"), other.dims()));
  }
  count_ += other.count_.to(count_.device());
  sum_ += other.sum_.to(sum_.device());
  products_ += other.products_.to(products_.device());
}

void FeatureStatistics::reset() {
  count_.zero_();
  sum_.zero_();
  products_.zero_();
}

int64_t FeatureStatistics::count() const { return count_.item<int64_t>(); }

void FeatureStatistics::require(int64_t samples) const {
  if (count() < samples)
    throw InvalidArgument(fmt::format("at least {} needed, found {}", counted(samples, "sample is", "samples are"), count()));
}

at::Tensor FeatureStatistics::mean() const {
  require(1);
  return sum_ / static_cast<double>(count());
}

at::Tensor FeatureStatistics::covariance() const {
  require(2);
  const at::Tensor m = mean();
  const at::Tensor scatter = products_ - at::outer(m, sum_);
  return (scatter + scatter.t()) / (2 * static_cast<double>(count() - 1));
}

GaussianMoments FeatureStatistics::moments() const {
  require(2);
  return {mean(), covariance(), count()};
}

}  // namespace secgan
