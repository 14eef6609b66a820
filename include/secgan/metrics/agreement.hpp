#pragma once
/// Measures that compare ids, labels and images directly. Additive: update batch by batch, merge parts collected apart,
/// read at the end.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "secgan/core/export.hpp"

namespace secgan {

/// What each photo adds to the table of (truth, predicted) classes.
/// @param predicted, truth [N, H, W] integer class ids   @return [N, K, K] int64
/// @throws InvalidArgument for two shapes, other types, or an id outside the classes.
SECGAN_API at::Tensor confusion_counts(const at::Tensor& predicted, const at::Tensor& truth, int64_t classes);

/// Intersection over union per class of such tables, summed or weighted as one likes.
/// @param counts [..., K, K]   @return [..., K] float64; NaN where a class occurs in neither
SECGAN_API at::Tensor intersection_over_union(const at::Tensor& counts);
/// Their mean over the classes that occur: [...]; NaN without a pixel.
SECGAN_API at::Tensor mean_intersection_over_union(const at::Tensor& counts);
/// Share of the pixels with the right class: [...]; NaN without a pixel.
SECGAN_API at::Tensor pixel_accuracy(const at::Tensor& counts);

/// How well two segmentations agree, from their confusion counts.
class SECGAN_API MaskAgreement {
 public:
  /// @throws InvalidArgument unless classes > 0.
  explicit MaskAgreement(int64_t classes);
  /// Counts of somebody else, updated in place.  @param counts [K, K] int64, [truth, predicted]
  explicit MaskAgreement(at::Tensor counts);

  /// @param predicted, truth integer class ids of one shape
  /// @throws InvalidArgument for two shapes, other types, or an id outside the classes.
  void update(const at::Tensor& predicted, const at::Tensor& truth);
  /// @throws InvalidArgument for other classes.
  void merge(const MaskAgreement& other);
  void reset();

  /// [K, K] int64: pixels by true and predicted class.
  const at::Tensor& counts() const { return counts_; }
  /// Intersection over union per class; NaN where a class occurs in neither.
  std::vector<double> iou() const;
  /// Mean over the classes that occur; NaN before the first pixel.
  double mean_iou() const;
  /// Share of pixels with the right class; NaN before the first pixel.
  double pixel_accuracy() const;

 private:
  at::Tensor counts_;
};

/// Share of matching labels, per attribute. As accuracy: predictions of photos against their labels. As target
/// attribute recognition rate (TARR): an independent classifier's predictions of edits against what was asked for.
class SECGAN_API LabelAgreement {
 public:
  /// @throws InvalidArgument unless attributes > 0.
  explicit LabelAgreement(int64_t attributes);
  /// Counts of somebody else, updated in place.  @param right, total [A] int64
  LabelAgreement(at::Tensor right, at::Tensor total);

  /// @param logits, labels [N], of attribute `index`; above 0 and above 0.5 mean yes. A NaN label counts nothing.
  /// @throws InvalidArgument for other shapes, an unknown index, or a NaN logit.
  void update(int64_t index, const at::Tensor& logits, const at::Tensor& labels);
  /// @param logits, labels [N, A]
  void update(const at::Tensor& logits, const at::Tensor& labels);
  /// @throws InvalidArgument for other attributes.
  void merge(const LabelAgreement& other);
  void reset();

  /// [A] int64: labels that matched, and labels that were compared.
  const at::Tensor& right() const { return right_; }
  const at::Tensor& total() const { return total_; }
  /// Per attribute; NaN where nothing was counted.
  std::vector<double> rates() const;
  /// Mean of the rates of the attributes that were counted, each attribute with equal weight; NaN when none was.
  double mean() const;

 private:
  at::Tensor right_, total_;
};

/// Throws InvalidArgument unless both are floating [N, C, H, W] of one shape with values in [-1, 1] (1 % more passes):
/// bytes wrap around when subtracted, and another range is another measure.
SECGAN_API void check_photos(const at::Tensor& a, std::string_view a_name, const at::Tensor& b, std::string_view b_name);

/// Peak signal-to-noise ratio of each image in dB, for values in [-1, 1] (peak-to-peak 2): 10 log10(4 / MSE), the mean
/// over channels and pixels. In float64; differentiable.
/// @param a, b [N, C, H, W]   @return [N]; infinite where the images are equal
/// @throws InvalidArgument as check_photos.
SECGAN_API at::Tensor psnr(const at::Tensor& a, const at::Tensor& b);

}  // namespace secgan
