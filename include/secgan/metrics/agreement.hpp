#pragma once
/// Measures that compare ids, labels and images directly. Additive: update batch by batch, read at the end.

#include <ATen/ATen.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "secgan/core/shape.hpp"

namespace secgan {

/// How well two segmentations agree, from their confusion counts.
class MaskAgreement {
 public:
  explicit MaskAgreement(int64_t classes) : counts_(at::zeros({classes, classes}, at::kLong)) {}

  /// @param predicted, truth integer class ids of one shape
  void update(const at::Tensor& predicted, const at::Tensor& truth) {
    check_same_shape(predicted, "predicted", truth, "truth");
    const int64_t k = counts_.size(0);
    const at::Tensor pairs = truth.flatten().to(at::kLong) * k + predicted.flatten().to(at::kLong);
    counts_ += at::bincount(pairs, {}, k * k).view({k, k});
  }

  /// Intersection over union per class; NaN where a class occurs in neither.
  std::vector<double> iou() const {
    std::vector<double> out;
    for (int64_t c = 0; c < counts_.size(0); ++c) {
      const double both = counts_[c][c].item<double>();
      const double any = counts_[c].sum().item<double>() + counts_.select(1, c).sum().item<double>() - both;
      out.push_back(any > 0 ? both / any : std::numeric_limits<double>::quiet_NaN());
    }
    return out;
  }

  /// Mean over the classes that occur; NaN before the first pixel.
  double mean_iou() const {
    double sum = 0;
    int64_t classes = 0;
    for (const double value : iou()) {
      if (value != value) continue;
      sum += value;
      ++classes;
    }
    return sum / static_cast<double>(classes);
  }

 private:
  at::Tensor counts_;  // [truth, predicted]
};

/// Share of matching labels, per attribute. As accuracy: predictions of photos against their labels. As target
/// attribute recognition rate (TARR): an independent classifier's predictions of edits against what was asked for.
class LabelAgreement {
 public:
  explicit LabelAgreement(int64_t attributes) : right_(attributes, 0), total_(attributes, 0) {}

  /// @param logits, labels [N], of attribute `index`
  void update(int64_t index, const at::Tensor& logits, const at::Tensor& labels) {
    check_same_shape(logits, "logits", labels, "labels");
    right_.at(static_cast<size_t>(index)) += (logits > 0).eq(labels > 0.5).sum().item<int64_t>();
    total_.at(static_cast<size_t>(index)) += logits.numel();
  }
  /// @param logits, labels [N, A]
  void update(const at::Tensor& logits, const at::Tensor& labels) {
    for (int64_t i = 0; i < static_cast<int64_t>(right_.size()); ++i) update(i, logits.select(1, i), labels.select(1, i));
  }

  /// Per attribute; NaN where nothing was counted.
  std::vector<double> rates() const {
    std::vector<double> out;
    for (size_t i = 0; i < right_.size(); ++i) out.push_back(static_cast<double>(right_[i]) / static_cast<double>(total_[i]));
    return out;
  }
  /// Mean of the attributes' rates.
  double mean() const {
    double sum = 0;
    for (const double rate : rates()) sum += rate;
    return sum / static_cast<double>(right_.size());
  }

 private:
  std::vector<int64_t> right_, total_;
};

/// Peak signal-to-noise ratio of each image in dB, for values in [-1, 1] (peak-to-peak 2): 10 log10(4 / MSE).
/// @param a, b [N, C, H, W]   @return [N]; infinite where the images are equal
inline at::Tensor psnr(const at::Tensor& a, const at::Tensor& b) {
  check_same_shape(a, "a", b, "b");
  return 10 * at::log10(4 / (a - b).to(at::kDouble).square().flatten(1).mean(1));
}

}  // namespace secgan
