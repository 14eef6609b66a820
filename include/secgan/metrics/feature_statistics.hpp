#pragma once
/// Mean and covariance of feature vectors: what the Fréchet distance compares.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <optional>

#include "secgan/core/export.hpp"

namespace secgan {

/// A Gaussian fitted to features.
struct GaussianMoments {
  at::Tensor mean;               ///< [D] float64
  at::Tensor covariance;         ///< [D, D] float64, divided by count - 1
  std::optional<int64_t> count;  ///< of samples; absent in files of pytorch-fid, which can be compared but not merged
};

/// Mean and covariance of rows with weights, as of a sample in which row i occurs weights[i] times.
/// @param features [N, D] floating   @param weights [N] float64, at least 0, more than 1 in all
SECGAN_API GaussianMoments weighted_moments(const at::Tensor& features, const at::Tensor& weights);

/// Reads `mu` and `sigma` as pytorch-fid saves them (.npz, float64 or float32), and `count` where it is there.
/// @throws FileNotFound; Error naming the file for a missing or misshapen array, values that are not finite, or a
///         damaged file.
SECGAN_API GaussianMoments load_moments(const std::filesystem::path& file);

/// Writes `mu`, `sigma` and, beside what pytorch-fid knows, `count`. Whole or not at all.
/// @throws InvalidArgument for other shapes than [D] and [D, D].
SECGAN_API void save_moments(const std::filesystem::path& file, const GaussianMoments& moments);

/// Collects features batch by batch. The state is additive, so parts collected apart (batches, threads, processes)
/// are summed: count, Σ x and Σ x xᵀ in float64, unshifted, since a shift would have to be agreed on beforehand.
/// The price: a variance loses as many digits as its mean squared has more than itself (16 to begin with).
class SECGAN_API FeatureStatistics {
 public:
  /// @throws InvalidArgument unless dims > 0.
  explicit FeatureStatistics(int64_t dims);
  /// As if the samples behind `moments` had been collected here.
  /// @throws InvalidArgument without a count, or for other shapes than [D] and [D, D].
  explicit FeatureStatistics(const GaussianMoments& moments);
  /// The state of somebody else, updated in place.
  /// @param count [] int64   @param sum [D] float64   @param products [D, D] float64, of one device
  FeatureStatistics(at::Tensor count, at::Tensor sum, at::Tensor products);

  /// @param features [N, D] floating   @throws InvalidArgument for another shape, or for values that are not finite.
  void update(const at::Tensor& features);
  /// @throws InvalidArgument for other dims.
  void merge(const FeatureStatistics& other);
  void reset();

  int64_t dims() const { return sum_.size(0); }
  int64_t count() const;
  /// [D]   @throws InvalidArgument before the first sample.
  at::Tensor mean() const;
  /// [D, D], symmetric, divided by count - 1   @throws InvalidArgument for fewer than 2 samples.
  at::Tensor covariance() const;
  /// Both with the count   @throws InvalidArgument for fewer than 2 samples.
  GaussianMoments moments() const;

 private:
  void require(int64_t samples) const;

  at::Tensor count_, sum_, products_;
};

}  // namespace secgan
