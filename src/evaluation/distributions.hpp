#pragma once
/// Measures of all photos and edits together, with intervals over photos: the measures are those of metrics/, here photos are resampled,
/// and all edits of a photo stay with it.

#include <ATen/ATen.h>

#include "evaluation/rows.hpp"
#include "secgan/evaluation/extractor.hpp"
#include "secgan/evaluation/protocol.hpp"
#include "secgan/metrics/bootstrap.hpp"

namespace secgan {

/// What one extractor saw: photos in order, edits with the photo and the attribute that each comes from.
struct ExtractedFeatures {
  const FeatureExtractor* extractor = nullptr;
  Rows photos, edits, edit_logits, edit_photo, edit_attribute;

  explicit ExtractedFeatures(const FeatureExtractor& of) : extractor(&of) {}

  /// Edits by photo, then by attribute: splits and subsets follow the order, which must not follow the batches.
  void sort() {
    const at::Tensor order = (edit_photo.all() * (edit_attribute.all().max() + 1) + edit_attribute.all()).argsort();
    for (Rows* rows : {&edits, &edit_logits, &edit_photo, &edit_attribute}) rows->reorder(order);
  }
};

/// @param bootstrap  of the photos, with the protocol's distribution_resamples
Interval frechet_interval(const ExtractedFeatures& seen, const Bootstrap& bootstrap);

/// KID by its usual subsets. Its interval comes from weighted pairs of one subset of photos and an edit of each.
Interval kernel_interval(const ExtractedFeatures& seen, const Bootstrap& bootstrap, const EvaluationProtocol& protocol);

/// Of the edits' logits.
Interval score_interval(const ExtractedFeatures& seen, const Bootstrap& bootstrap, const EvaluationProtocol& protocol);

/// Of a measure of confusion counts, when photos are drawn anew.
/// @param counts [N, K, K] float64, of each photo   @param measure  [..., K, K] -> [...]
Interval confusion_interval(const Bootstrap& bootstrap, const at::Tensor& counts, at::Tensor (*measure)(const at::Tensor&));

}  // namespace secgan
