#pragma once
/// Agreement of two segmentations into SeCGAN's twelve classes, photo by photo, so that photos can be drawn anew.

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>

#include "secgan/core/labels.hpp"
#include "secgan/metrics/bootstrap.hpp"

namespace secgan {

inline constexpr int64_t kPairs = kSecganClasses * kSecganClasses;

/// What each photo adds to the table of (truth, predicted) classes.
/// @param predicted, truth [N, H, W] ids   @return [N, 144] counts
inline at::Tensor confusion(const at::Tensor& predicted, const at::Tensor& truth) {
  // A photo's counts at its own offset, so that one call counts all.
  const at::Tensor photo = at::arange(truth.size(0), at::kLong).view({-1, 1, 1});
  const at::Tensor pairs = (photo * kSecganClasses + truth.to(at::kLong)) * kSecganClasses + predicted.to(at::kLong);
  return at::bincount(pairs.flatten(), {}, truth.size(0) * kPairs).view({truth.size(0), kPairs});
}

/// Mean IoU of confusion counts [R, 144], over the classes that occur: [R].
inline at::Tensor mean_iou(const at::Tensor& counts) {
  const at::Tensor table = counts.view({-1, kSecganClasses, kSecganClasses});
  const at::Tensor both = table.diagonal(0, 1, 2);
  return at::nanmean(both / (table.sum(1) + table.sum(2) - both), {1});  // 0 / 0 where a class occurs in neither
}

/// Share of the pixels in which both agree: [R].
inline at::Tensor pixel_accuracy(const at::Tensor& counts) {
  return counts.view({-1, kSecganClasses, kSecganClasses}).diagonal(0, 1, 2).sum(1) / counts.sum(1);
}

/// Of a measure of such tables, [R, 144] -> [R], when photos are drawn anew.
inline Interval confusion_interval(const Bootstrap& bootstrap, const at::Tensor& counts,
                                   const std::function<at::Tensor(const at::Tensor&)>& measure) {
  const at::Tensor value = measure(counts.sum(0, /*keepdim=*/true));
  return bootstrap.interval(value.item<double>(), measure(at::matmul(bootstrap.weights(), counts)), counts.size(0));
}

}  // namespace secgan
