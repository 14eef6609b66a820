#include "secgan/metrics/agreement.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "core/counted.hpp"
#include "core/dtype.hpp"
#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {
namespace {

std::vector<double> numbers(const at::Tensor& values) {
  const at::Tensor held = values.to(at::kDouble).cpu().contiguous();
  return {held.const_data_ptr<double>(), held.const_data_ptr<double>() + held.numel()};
}

/// Over what is a number; NaN where nothing is.
double mean_of_numbers(const std::vector<double>& values) {
  double sum = 0;
  int64_t count = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  return count > 0 ? sum / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN();
}

void check_counts(const at::Tensor& counts, std::string_view name) {
  if (counts.scalar_type() != at::kLong) throw InvalidArgument(fmt::format("{} must be int64, found {}", name, dtype_name(counts)));
}

void check_ids(const at::Tensor& ids, std::string_view name, int64_t classes) {
  if (!at::isIntegralType(ids.scalar_type(), /*includeBool=*/true)) {
    throw InvalidArgument(fmt::format("{} must hold integer class ids, found {}", name, dtype_name(ids)));
  }
  if (ids.numel() == 0) return;
  const auto [smallest, largest] = at::aminmax(ids);
  for (const int64_t id : {smallest.item<int64_t>(), largest.item<int64_t>()}) {
    if (id < 0 || id >= classes) throw InvalidArgument(fmt::format("{} must hold ids from 0 to {}, found {}", name, classes - 1, id));
  }
}

}  // namespace

at::Tensor confusion_counts(const at::Tensor& predicted, const at::Tensor& truth, int64_t classes) {
  check_shape(truth, "truth", {kAny, kAny, kAny}, "[N, H, W]");
  check_same_shape(predicted, "predicted", truth, "truth");
  check_ids(predicted, "predicted", classes);
  check_ids(truth, "truth", classes);
  // A photo's counts at its own offset, so that one call counts all.
  const int64_t photos = truth.size(0);
  const at::Tensor photo = at::arange(photos, truth.options().dtype(at::kLong)).view({-1, 1, 1});
  const at::Tensor pairs = (photo * classes + truth.to(at::kLong)) * classes + predicted.to(at::kLong);
  return at::bincount(pairs.flatten(), {}, photos * classes * classes).view({photos, classes, classes});
}

at::Tensor intersection_over_union(const at::Tensor& counts) {
  const at::Tensor table = counts.to(at::kDouble), both = table.diagonal(0, -2, -1);
  return both / (table.sum(-1) + table.sum(-2) - both);  // 0 / 0 where a class occurs in neither
}

at::Tensor mean_intersection_over_union(const at::Tensor& counts) { return at::nanmean(intersection_over_union(counts), {-1}); }

at::Tensor pixel_accuracy(const at::Tensor& counts) {
  const at::Tensor table = counts.to(at::kDouble);
  return table.diagonal(0, -2, -1).sum(-1) / table.sum({-2, -1});
}

MaskAgreement::MaskAgreement(int64_t classes) {
  if (classes < 1) throw InvalidArgument(fmt::format("classes must be positive, found {}", classes));
  counts_ = at::zeros({classes, classes}, at::kLong);
}

MaskAgreement::MaskAgreement(at::Tensor counts) : counts_(std::move(counts)) {
  check_shape(counts_, "counts", {kAny, kAny}, "[K, K]");
  check_shape(counts_, "counts", {counts_.size(1), counts_.size(1)}, "[K, K]");
  check_counts(counts_, "counts");
}

void MaskAgreement::update(const at::Tensor& predicted, const at::Tensor& truth) {
  check_same_shape(predicted, "predicted", truth, "truth");
  counts_ += confusion_counts(predicted.reshape({1, 1, -1}), truth.reshape({1, 1, -1}), counts_.size(0))[0].to(counts_.device());
}

void MaskAgreement::merge(const MaskAgreement& other) {
  if (other.counts_.size(0) != counts_.size(0)) {
    throw InvalidArgument(fmt::format("agreement over {} cannot be merged with agreement over {}",
                                      counted(counts_.size(0), "class", "classes"), other.counts_.size(0)));
  }
  counts_ += other.counts_.to(counts_.device());
}

void MaskAgreement::reset() { counts_.zero_(); }

std::vector<double> MaskAgreement::iou() const { return numbers(intersection_over_union(counts_)); }

double MaskAgreement::mean_iou() const { return mean_intersection_over_union(counts_).item<double>(); }

double MaskAgreement::pixel_accuracy() const { return secgan::pixel_accuracy(counts_).item<double>(); }

LabelAgreement::LabelAgreement(int64_t attributes) {
  if (attributes < 1) throw InvalidArgument(fmt::format("attributes must be positive, found {}", attributes));
  right_ = at::zeros({attributes}, at::kLong);
  total_ = at::zeros({attributes}, at::kLong);
}

LabelAgreement::LabelAgreement(at::Tensor right, at::Tensor total) : right_(std::move(right)), total_(std::move(total)) {
  check_shape(right_, "right", {kAny}, "[A]");
  check_shape(total_, "total", {right_.size(0)}, "[A]");
  check_counts(right_, "right");
  check_counts(total_, "total");
}

void LabelAgreement::update(int64_t index, const at::Tensor& logits, const at::Tensor& labels) {
  if (index < 0 || index >= right_.size(0)) throw InvalidArgument(fmt::format("attribute {} is not one of {}", index, right_.size(0)));
  check_shape(logits, "logits", {kAny}, "[N]");
  LabelAgreement(right_.narrow(0, index, 1), total_.narrow(0, index, 1)).update(logits.unsqueeze(1), labels.unsqueeze(1));
}

void LabelAgreement::update(const at::Tensor& logits, const at::Tensor& labels) {
  check_shape(logits, "logits", {kAny, right_.size(0)}, "[N, A]");
  check_same_shape(logits, "logits", labels, "labels");
  if (logits.isnan().any().item<bool>()) throw InvalidArgument("logits hold NaN");
  const at::Tensor counted = labels.isnan().logical_not();
  right_ += (logits > 0).eq(labels > 0.5).logical_and(counted).sum(0).to(right_.device());
  total_ += counted.sum(0).to(total_.device());
}

void LabelAgreement::merge(const LabelAgreement& other) {
  if (other.right_.size(0) != right_.size(0)) {
    throw InvalidArgument(
        fmt::format("agreement on {} cannot be merged with agreement on {}", counted(right_.size(0), "attribute"), other.right_.size(0)));
  }
  right_ += other.right_.to(right_.device());
  total_ += other.total_.to(total_.device());
}

void LabelAgreement::reset() {
  right_.zero_();
  total_.zero_();
}

std::vector<double> LabelAgreement::rates() const { return numbers(right_.to(at::kDouble) / total_.to(at::kDouble)); }

double LabelAgreement::mean() const { return mean_of_numbers(rates()); }

void check_photos(const at::Tensor& a, std::string_view a_name, const at::Tensor& b, std::string_view b_name) {
  check_same_shape(a, a_name, b, b_name);
  check_shape(a, a_name, {kAny, kAny, kAny, kAny}, "[N, C, H, W]");
  for (const auto& [photos, name] : {std::pair{a, a_name}, std::pair{b, b_name}}) {
    if (!photos.is_floating_point()) {
      throw InvalidArgument(fmt::format("{} must be floating point in [-1, 1], found {}", name, dtype_name(photos)));
    }
    if (photos.numel() == 0) continue;
    const auto largest = photos.abs().max().item<double>();
    if (!(largest <= 1.01)) throw InvalidArgument(fmt::format("{} must lie in [-1, 1], found {}", name, largest));
  }
}

at::Tensor psnr(const at::Tensor& a, const at::Tensor& b) {
  check_photos(a, "a", b, "b");
  return 10 * at::log10(4 / (a.to(at::kDouble) - b.to(at::kDouble)).square().flatten(1).mean(1));
}

}  // namespace secgan
